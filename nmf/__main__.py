"""The command ``python -m nmf``."""

import sys

if __name__ == "__main__":
    try:
        from nmf.cli import main
    except ImportError as error:
        print(f"nmf: {error}", file=sys.stderr)
        sys.exit(2)
    main()
