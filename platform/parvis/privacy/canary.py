"""Sentences whose personal data must be found: a detector that finds nothing is down.

A name that only the model can find stands in each, so a silent model is noticed. They are tried at
start and every few minutes; while one is not heard, every request is refused.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence

from parvis.errors import PrivacyUnavailable
from parvis.privacy.entities import Label

_log = logging.getLogger(__name__)
_RETRY_S = 15.0
_SLOWEST_TRY_S = 300.0

CANARIES: tuple[tuple[str, str, frozenset[tuple[Label, str]]], ...] = (
    (
        "fr",
        "Hier, Nathalie Lambert a écrit au guichet depuis nathalie.lambert@exemple.fr.",
        frozenset(
            {(Label.PERSON, "Nathalie Lambert"), (Label.EMAIL, "nathalie.lambert@exemple.fr")}
        ),
    ),
    (
        "de",
        "Gestern hat Katharina Vogel angerufen, sie zahlt von DE89 3704 0044 0532 0130 00.",
        frozenset({(Label.PERSON, "Katharina Vogel"), (Label.IBAN, "DE89 3704 0044 0532 0130 00")}),
    ),
    (
        "lb",
        "Gëschter huet d'Madame Schneider ugeruff, hir Matrikel ass 1893120105732.",
        frozenset({(Label.PERSON, "Schneider"), (Label.NATIONAL_ID, "1893120105732")}),
    ),
    (
        "en",
        "Yesterday Oliver Bennett called from +44 20 7946 0018 about his permit.",
        frozenset({(Label.PERSON, "Oliver Bennett"), (Label.PHONE, "+44 20 7946 0018")}),
    ),
)


class Watch:
    """Tries the canary sentences again and again, and remembers whether they were heard."""

    def __init__(self, find_silent: Callable[[], Sequence[str]]) -> None:
        self._find_silent = find_silent
        self._trying = threading.Lock()
        self._silent: tuple[str, ...] = ()
        self._tried_at = time.monotonic()
        self._stale_after_s = math.inf
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def try_now(self) -> None:
        """Try all sentences once; what is found out counts from now on."""
        with self._trying:
            silent = tuple(self._find_silent())
            if silent != self._silent:
                _log.log(*_news(silent))
            self._silent, self._tried_at = silent, time.monotonic()

    def require_working(self) -> None:
        """Raise PrivacyUnavailable while a sentence is not heard, or none was tried for long."""
        if self._silent:
            languages = ", ".join(self._silent)
            raise PrivacyUnavailable(
                f"The search for personal data does not work (test sentence {languages})."
            )
        if time.monotonic() - self._tried_at > self._stale_after_s:
            raise PrivacyUnavailable("The search for personal data was not tested for too long.")

    def start(self, period_s: float) -> None:
        """From now on try every so many seconds, sooner while a sentence is not heard."""
        self.stop()
        self._stopped = threading.Event()
        self._tried_at = time.monotonic()
        self._stale_after_s = 3 * period_s + _SLOWEST_TRY_S
        self._thread = threading.Thread(
            target=self._run, args=(period_s, self._stopped), name="privacy-canary", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the tries; the last result stands."""
        self._stopped.set()
        self._stale_after_s = math.inf

    def _run(self, period_s: float, stopped: threading.Event) -> None:
        while not stopped.wait(min(period_s, _RETRY_S) if self._silent else period_s):
            try:
                self.try_now()
            except Exception:  # the last result stands until it is too old, then all is refused
                _log.exception("the canary sentences could not be tried")


def _news(silent: Sequence[str]) -> tuple[int, str]:
    if silent:
        return logging.ERROR, f"privacy: test sentences not heard: {', '.join(silent)}"
    return logging.INFO, "privacy: all test sentences are heard again"
