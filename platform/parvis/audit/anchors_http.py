"""The one place where the audit room speaks HTTP: to witnesses, a time-stamp authority, collectors.

No redirect is followed and no proxy setting is read, as `inference/client.py` does. To witnesses
and authorities only heads leave: log id, size, root; to collectors what `ocsf.py` makes.
"""

import http.client
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

_TIMEOUT_S = 5
_MAX_ANSWER_BYTES = 256 * 1024


class Unreachable(Exception):
    """Nobody answered; the words carry the kind of error only."""


def post(
    url: str,
    body: bytes,
    content_type: str,
    *,
    headers: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> tuple[int, bytes, str]:
    """(status, body, content type) of the answer to one POST; raises Unreachable.

    `context` says whose certificates are believed: without one the system's authorities.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    connection = (
        http.client.HTTPSConnection(
            host, port, timeout=_TIMEOUT_S, context=context or ssl.create_default_context()
        )
        if secure
        else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, {"Content-Type": content_type, **(headers or {})})
        answer = connection.getresponse()
        data = answer.read(_MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        connection.close()
    if len(data) > _MAX_ANSWER_BYTES:
        raise Unreachable("the answer is too long")
    return answer.status, data, answer.headers.get_content_type()
