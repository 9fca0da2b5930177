"""The parser of every command: a slip is told in one line, each group shows an example."""

import argparse
from typing import NoReturn

_MOST = 2**53  # as far as a record's numbers go

__all__ = ["CommandParser", "give_examples", "read_count"]


class CommandParser(argparse.ArgumentParser):
    """As argparse's, whose usage would come before the fault and hide it."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2; says where the rest stands."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def give_examples(parser: argparse.ArgumentParser) -> None:
    """Every group without an example of its own shows that of its first command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            children = list(action.choices.values())
            for child in children:
                give_examples(child)
            shown = (child.epilog for child in children if child.epilog)
            parser.epilog = parser.epilog or next(shown, None)


def read_count(text: str) -> int:
    """A whole number for argparse, 0 or more; raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > _MOST:
        raise argparse.ArgumentTypeError("expected a whole number, 0 or more")
    return int(text)
