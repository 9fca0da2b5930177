"""`python -m deploy.dev.leash COMMAND...`: become COMMAND, but end when the parent process ends.

On Linux the kernel sends SIGTERM to the part when its supervisor dies, even by SIGKILL. Elsewhere
there is no such promise; the supervisor's own stop still works.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Never returns when all is well: the process becomes the command."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the kernel was asked to tell us
            return 1
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
