"""Room on the disk of the logs: below a floor nothing new is begun."""

import os
import time
from pathlib import Path

from parvis.errors import AuditUnavailable

FLOOR_BYTES = 1 << 30
_FLOOR_SHARE = 0.05
_LOOK_S = 1.0


class Room:
    """The disk of one folder, looked at once a second at most."""

    def __init__(self, folder: Path, floor_bytes: int = FLOOR_BYTES) -> None:
        self._folder = folder
        self._least = floor_bytes
        self._look_at = 0.0
        self._short = 0

    @property
    def floor_bytes(self) -> int:
        """Free bytes below which new work is refused."""
        disk = os.statvfs(self._folder)
        return max(self._least, int(disk.f_blocks * disk.f_frsize * _FLOOR_SHARE))

    def require(self) -> None:
        """Raises AuditUnavailable when less is free."""
        now = time.monotonic()
        if now > self._look_at:
            disk = os.statvfs(self._folder)
            self._short = self.floor_bytes - disk.f_bavail * disk.f_frsize
            self._look_at = now + _LOOK_S
        if self._short > 0:
            raise AuditUnavailable(retry_after=30)
