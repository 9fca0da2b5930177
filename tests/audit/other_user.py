"""`python -m tests.audit.other_user USER GROUP OTHERS COMMAND...`: a `parvis` command as that user.

The program may lie where only root can look (a home folder): its folders are opened before the user
changes, every store, key, socket and database after it. USER `-` stays who we are.
"""

import ctypes
import importlib
import os
import sys

_SET_DUMPABLE = 4  # as for a process that never changed its user


def keep_reach() -> None:
    """What is imported later is found through folders that are open already."""
    opened = {}
    for folder in filter(os.path.isdir, sys.path):
        opened[folder] = f"/proc/self/fd/{os.open(folder, os.O_RDONLY | os.O_DIRECTORY)}"
    longest = sorted(opened, key=len, reverse=True)

    def rename(path: str) -> str:
        base = next((one for one in longest if path == one or path.startswith(one + "/")), "")
        return opened[base] + path[len(base) :] if base else path

    sys.path[:] = [rename(one) for one in sys.path]
    for module in list(sys.modules.values()):
        if isinstance(getattr(module, "__path__", None), list):
            module.__path__ = [rename(one) for one in module.__path__]
    sys.path_importer_cache.clear()


def become(user: str, group: str, others: str) -> None:
    """Change to that user for good, with these groups and no other."""
    if user == "-":
        return
    keep_reach()
    os.setgroups([int(one) for one in others.split(",") if one])
    os.setgid(int(group))
    os.setuid(int(user))
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def main(arguments: list[str]) -> int:
    """The exit code of the command."""
    user, group, others, *command = arguments
    if command[0] == "serve":
        importlib.import_module("parvis.wsgi")  # reads the small models of this user's cache
    become(user, group, others)
    if command[0] == "-c":
        exec(command[1], {"__name__": "__main__"})  # noqa: S102 - what the test itself says
        return 0
    return importlib.import_module("parvis.cli").main(command)  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
