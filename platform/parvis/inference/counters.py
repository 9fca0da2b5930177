"""A model server's own count of its requests, from its Prometheus page. Knows no log."""

import math
import re

from parvis.errors import UpstreamFailed
from parvis.inference.client import ServerClient, Timeouts
from parvis.inference.models import Server
from parvis.inference.upstream_errors import log_failure

_SAMPLE = re.compile(
    r'^(?P<name>[A-Za-z_:][\w:]*)(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?[ \t]+(?P<value>\S+)',
    re.ASCII | re.MULTILINE,
)


def fetch_counter(server: Server) -> int:
    """Where the counter that `metrics` of this server names stands now, over all its labels.

    Raises UpstreamFailed, UpstreamTimeout; also for a page without that counter.
    """
    if server.metrics is None:
        raise ValueError("this server has no `metrics`")
    page = ServerClient(server, Timeouts()).fetch_page(server.metrics.path)
    found = sum_counter(page, server.metrics.counter)
    if found is None:
        raise log_failure(UpstreamFailed(), "no_such_counter", server.name)
    return found


def sum_counter(page: str, name: str) -> int | None:
    """The sum of a counter's samples on a Prometheus page; None when there is none or no number."""
    values = [match["value"] for match in _SAMPLE.finditer(page) if match["name"] == name]
    try:
        total = sum(map(float, values))
    except ValueError:
        return None
    return int(total) if values and math.isfinite(total) and total >= 0 else None
