"""`python -m deploy.dev.prepare`: migrations, then the agencies' sources, in one process.

The same as `parvis db upgrade` and `parvis knowledge sync`; one start of Python instead of two.
"""

import sys

from parvis.cli import main as parvis


def main() -> int:
    """The exit code of the first of the two that failed, else 0."""
    return parvis(["db", "upgrade"]) or parvis(["knowledge", "sync"])


if __name__ == "__main__":
    sys.exit(main())
