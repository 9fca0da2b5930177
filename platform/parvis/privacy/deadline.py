"""How long one analysis may take. Set by the engine, asked wherever work is done in steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from parvis.errors import PrivacyUnavailable

_END: ContextVar[float | None] = ContextVar("privacy_deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Within this block `check_deadline` raises once so many seconds have passed."""
    token = _END.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def check_deadline() -> None:
    """Raise PrivacyUnavailable when the time is over: an unfinished search protects nobody."""
    end = _END.get()
    if end is not None and time.monotonic() > end:
        raise PrivacyUnavailable("Looking for personal data took too long.")
