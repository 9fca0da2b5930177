"""Who acts at the command line or acted before, as records name them."""

import os
import pwd
import re

from parvis.audit.events import Actor, clean_word
from parvis.domain import Role
from parvis.errors import InvalidRequest

OPERATOR = "operator:"  # begins the subject of who acts at the command line
_NAME = re.compile(r"[A-Za-z0-9._@-]{2,80}", re.ASCII)


def read_operator(name: str) -> Actor:
    """The person at the command line, as records name them. Raises InvalidRequest.

    `name` is what they say; the account of the machine is what the system says. Neither proves who
    sits there: see docs/privacy-rights.md.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest("an operator's name has 2 to 80 of A-Z a-z 0-9 . _ @ -")
    return Actor(
        "person",
        subject=OPERATOR + name.lower(),
        roles=("operator",),
        client=clean_word(f"os:{_account()}"),
    )


def read_reader(name: str | None) -> Actor:
    """Who looks at the command line: `name` as for `read_operator`, without one the account."""
    account = _account()
    return read_operator(name or (account if _NAME.fullmatch(account) else f"uid-{account}"))


def name_again(subject: str) -> Actor:
    """Who asked or confirmed before, for a record that is written later: at the command line an
    operator, else an administrator on the page."""
    role = "operator" if subject.startswith(OPERATOR) else Role.AGENCY_ADMIN.value
    return Actor("person", subject=subject, roles=(role,))


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(os.getuid())
