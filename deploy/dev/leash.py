"""`python -m deploy.dev.leash PARENT USER COMMAND...`: become COMMAND, ended when PARENT ends.

On Linux the kernel sends SIGTERM to the part when its supervisor dies, even by SIGKILL. Elsewhere
there is no such promise; the supervisor's own stop still works. USER is a number, or `-` to stay
who we are: PostgreSQL refuses to run as root.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Never returns when all is well: the process becomes the command."""
    parent, user, *command = arguments
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    if sys.platform == "linux":
        # after the change of user, which would clear it
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # it died before the kernel was asked to tell us
            return 1
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
