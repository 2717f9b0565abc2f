"""`python -m aebench`, the same as the command `aebench`."""

from aebench.cli.app import main

if __name__ == "__main__":
    main()
