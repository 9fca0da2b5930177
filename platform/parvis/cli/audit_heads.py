"""The signed heads that a command measures the logs by, wherever they lie."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from parvis.audit.doors import plan_doors
from parvis.audit.log_keys import HEADS_NAME
from parvis.cli.audit_open import open_log
from parvis.settings import Settings


@contextmanager
def find_heads(settings: Settings) -> Iterator[Path | None]:
    """Their folder; where it is another user's, a copy for now, as the writer gives it.

    Raises AuditUnavailable when that writer cannot be asked.
    """
    if plan_doors(settings).may_lead:
        yield settings.audit_heads_dir
        return
    with open_log(settings) as log, TemporaryDirectory(prefix="parvis-heads-") as name:
        (Path(name) / HEADS_NAME).write_text(json.dumps(log.ask_heads()), encoding="utf-8")
        yield Path(name)
