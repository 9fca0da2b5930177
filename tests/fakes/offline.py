"""`python offline.py COMMAND...`: become COMMAND, which can open no socket but local ones.

The kernel refuses `socket()` of every family except AF_UNIX to it and to all that it starts; no
right is needed for that (seccomp, Linux on x86-64 and on 64-bit ARM). A machine without a network,
as far as a program can tell.
"""

import ctypes
import os
import platform
import struct
import sys

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 101  # ENETUNREACH
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_AF_UNIX = 1
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_sockets() -> None:
    """From now on this process and its children have no network. Raises OSError."""
    architecture, socket_call = _MACHINES[platform.machine()]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IS, 0, 5, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_IS, 0, 2, socket_call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IS, 0, 1, _AF_UNIX),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    library = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(lines), code)
    for arguments in (
        (_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0),
    ):
        if library.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the kernel cannot take the network away")


if __name__ == "__main__":
    refuse_sockets()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted
