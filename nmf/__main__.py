"""``python -m nmf``."""

from nmf.cli import main

if __name__ == "__main__":
    main()
