"""Room kept for the last records: a file that is given back to a full disk, and made again later.

Without it a full disk would also refuse the endings of what is under way.
"""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

BALLAST_NAME = "ballast"
BALLAST_BYTES = 64 * 1024 * 1024
_AMPLE = 1 << 30


class Ballast:
    """So many bytes in the log's own folder; 0 for none."""

    def __init__(self, folder: Path, size: int) -> None:
        self._path = folder / BALLAST_NAME
        self._size = size

    def fill(self) -> None:
        """Take the room, when the disk has plenty and it is not taken yet."""
        if not self._size or self._path.exists():
            return
        stat = os.statvfs(self._path.parent)
        if stat.f_bavail * stat.f_frsize < _AMPLE + self._size:
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        except OSError as error:  # a file system without it: there is no ballast, and we say so
            log.warning("audit.no_ballast", extra={"fault": type(error).__name__})
            self._path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Give the room back."""
        if self._path.exists():
            log.error("audit.ballast_released")
            self._path.unlink(missing_ok=True)
