"""Is it alive, and can it answer? For load balancers and the night operator; nothing personal."""

import threading
import time
from collections.abc import Callable, Mapping

from flask import Blueprint
from flask.typing import ResponseReturnValue

from parvis.db import find_schema_revision, get_head_revision
from parvis.errors import PrivacyUnavailable
from parvis.services import PLATFORM, Services
from parvis.web.answers import json_response
from parvis.web.current import get_services

blueprint = Blueprint("health", __name__)

_CACHE_S = 2.0


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 while this process serves."""
    return json_response({"status": "alive"})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 when a question could be answered now, else 503; each part with a word."""
    parts = _cached.get(get_services())
    ready = all(word in {"ok", "degraded"} for word in parts.values())
    body: dict[str, object] = {"status": "ready" if ready else "not ready", "parts": parts}
    if reasons := _tell_reasons(get_services(), parts):
        body["reasons"] = reasons
    return json_response(body, 200 if ready else 503)


def check_parts(services: Services) -> dict[str, str]:
    """`ok`, `degraded` (something is away, others answer) or `down` for each part."""
    checks: dict[str, Callable[[], str]] = {
        "database": lambda: _database(services),
        "audit": lambda: _audit(services),
        "privacy": lambda: _privacy(services),
        "models": lambda: _models(services),
        "anchors": lambda: _anchors(services),
        "feeds": lambda: _feeds(services),
    }
    return {name: _word(check) for name, check in checks.items()}


def _tell_reasons(services: Services, parts: Mapping[str, str]) -> dict[str, str]:
    """Why a part is down, where it can say so: languages and parts, never anybody's words."""
    reasons = {}
    if parts["audit"] == "down" and services.audit.fault:
        reasons["audit"] = services.audit.fault
    if parts["audit"] == "degraded":
        count = len(services.audit.stopped)
        reasons["audit"] = f"{count} agencies' logs are stopped: run parvis check"
    if parts["feeds"] == "degraded":
        reasons["feeds"] = _tell_feeds(services)
    if parts["privacy"] == "down":
        try:
            services.privacy.check_working()
        except PrivacyUnavailable as error:
            reasons["privacy"] = error.message
    return reasons


def _word(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception:  # whatever it was, this part cannot be relied on
        return "down"


def _database(services: Services) -> str:
    current = find_schema_revision(services.engine) == get_head_revision(services.engine)
    return "ok" if current else "down"


def _audit(services: Services) -> str:
    services.audit.check_ready(PLATFORM)
    return "degraded" if services.audit.stopped else "ok"  # an agency's log stopped, alone


def _privacy(services: Services) -> str:
    services.privacy.check_working()
    return "ok"


def _models(services: Services) -> str:
    servers = services.inference.health().values()
    return "degraded" if "down" in servers else "ok"


def _anchors(services: Services) -> str:
    """Witnesses and time stamps are never in the way of an answer: at worst `degraded`."""
    try:
        return "degraded" if services.anchors.describe(PLATFORM).late else "ok"
    except Exception:  # the log itself is judged by `audit`
        return "degraded"


def _feeds(services: Services) -> str:
    """No receiver is in the way of an answer: at worst `degraded`."""
    try:
        return "degraded" if any(state.late for state in services.feeds.describe()) else "ok"
    except Exception:  # the log itself is judged by `audit`
        return "degraded"


def _tell_feeds(services: Services) -> str:
    """How many receivers are behind and by how much; which ones, only an operator is told."""
    try:
        late = [state for state in services.feeds.describe() if state.late]
    except Exception:  # the log itself is judged by `audit`
        return "cannot be looked at: run parvis audit feed status"
    begun = min((state.since for state in late if state.since is not None), default=None)
    lag = f", the oldest for {int(time.time() - begun)} s" if begun is not None else ""
    count, waiting = len({state.feed for state in late}), sum(state.waiting for state in late)
    return f"{count} receivers are late: {waiting} records wait{lag}; run parvis audit feed status"


class _Cached:
    """One look at a time, good for two seconds: probes must not become load."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._parts: dict[str, str] = {}

    def get(self, services: Services) -> dict[str, str]:
        """The newest look."""
        with self._lock:
            if time.monotonic() - self._at >= _CACHE_S:
                self._parts = check_parts(services)
                self._at = time.monotonic()
            return self._parts


_cached = _Cached()
