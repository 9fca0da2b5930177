"""`python -m parvis`: the same as the `parvis` command."""

import sys

from parvis.cli import main

if __name__ == "__main__":
    sys.exit(main())
