"""Who acts at the command line, as records name them."""

import os
import pwd
import re

from parvis.audit.events import Actor, clean_word
from parvis.errors import InvalidRequest

_OPERATOR = re.compile(r"[A-Za-z0-9._@-]{2,80}", re.ASCII)


def read_operator(name: str) -> Actor:
    """The person at the command line, as records name them. Raises InvalidRequest.

    `name` is what they say; the account of the machine is what the system says. Neither proves who
    sits there: see docs/privacy-rights.md.
    """
    if not _OPERATOR.fullmatch(name):
        raise InvalidRequest("an operator's name has 2 to 80 of A-Z a-z 0-9 . _ @ -")
    return Actor(
        "person",
        subject=f"operator:{name.lower()}",
        roles=("operator",),
        client=clean_word(f"os:{_account()}"),
    )


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(os.getuid())
