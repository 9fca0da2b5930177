"""JSON answers, in one form."""

from typing import Any

import orjson
from flask import Response


def json_response(body: Any, status: int = 200) -> Response:
    """UTF-8 JSON that no cache keeps."""
    response = Response(orjson.dumps(body), status=status, mimetype="application/json")
    response.headers["cache-control"] = "no-store"
    return response
