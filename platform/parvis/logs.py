"""Structured logs on standard error: one JSON object a line. Nothing personal, ever.

Callers log closed words and ids (`log.info("model.busy", extra={"server": "demo"})`); message text,
names, tokens and addresses of people MUST NOT be given.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message"}


class JsonFormatter(logging.Formatter):
    """Time (RFC 3339, UTC), level, event, the fields given, and an exception's type and place."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            # type and place only: the words of an exception may quote what a person typed
            line["exception"] = record.exc_info[0].__name__
            frames = []
            trace = record.exc_info[2]
            while trace is not None:
                code = trace.tb_frame.f_code
                frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
                trace = trace.tb_next
            line["at"] = frames[-8:]
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logs(level: str = "INFO") -> None:
    """Send every logger's records to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("presidio-analyzer", "alembic", "httpx", "urllib3"):  # a line for each call
        logging.getLogger(chatty).setLevel(logging.WARNING)
