"""A log's head on paper: one line to print, mail or read over the telephone.

Date, log id, size, the first 20 base64 characters of the root, two check digits. Whoever keeps the
line holds a copy outside the operator's reach; `verify --head-line` compares it with an export.
"""

import base64
import time

from parvis.audit.verify import head_digits

_ROOT_SIGNS = 20


def format_head_line(log_id: str, size: int, root: bytes, when: float | None = None) -> str:
    """The line for a head, with the day in UTC."""
    day = time.strftime("%Y-%m-%d", time.gmtime(when))
    text = f"{day} {log_id} {size} {base64.b64encode(root).decode()[:_ROOT_SIGNS]}"
    return f"{text} {head_digits(text)}"
