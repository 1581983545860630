"""`python -m deblur`: the command, where its folder is not on the path."""

from deblur.cli import main

if __name__ == "__main__":
    main()
