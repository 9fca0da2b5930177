"""Where the sequencer is reached, and whose processes may come in: by one user, or by two.

By default all runs as one user: the sockets lie in the audit folder, mode 0600, and the operators'
one with the signing keys. A writer of another user shares one folder with the gateway, which holds
sockets, signs of life and the reason why nobody writes, and nothing else; both ends ask the system
who the other is (SO_PEERCRED). Names of users and groups come from the settings.
"""

import grp
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parvis.audit import wire
from parvis.errors import ConfigurationFaults, Fault
from parvis.settings import Settings, env_name

_SHARED_OPERATORS = Path("operators.sock")
_FOLDER_MODE = 0o770
_OTHERS = stat.S_IWGRP | stat.S_IRWXO & ~stat.S_IXOTH


class DoorsWrong(PermissionError):
    """The folder that the two users share is not as it must be; the words are for operators."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors in `folder`; `writer`, `gateway` (users) and `operators` (a group) where they are
    not all this user."""

    folder: Path
    writer: int = -1
    gateway: int = -1
    operators: int = -1

    @property
    def shared(self) -> bool:
        """True when writer and gateway are two users."""
        return self.writer >= 0

    @property
    def boots(self) -> Path:
        """Folder of the signs of life of every process that writes records."""
        return self.folder / "boots"

    @property
    def may_lead(self) -> bool:
        """True when a process of this user may write the logs itself."""
        return not self.shared or os.geteuid() == self.writer

    @property
    def paths(self) -> tuple[Path, Path]:
        """The workers' door and the operators'."""
        operators = _SHARED_OPERATORS if self.shared else wire.OPERATORS
        return self.folder / wire.WORKERS, self.folder / operators

    def open(self) -> Iterator[socket.socket]:
        """Both doors, workers' first. MUST hold the writer's lock. Raises OSError."""
        groups = (self.folder.stat().st_gid, self.operators) if self.shared else (-1, -1)
        for path, group in zip(self.paths, groups, strict=True):
            try:
                yield wire.listen(path, group)
            except PermissionError as error:
                raise _refuse_groups() from error

    def admit(self, line: socket.socket, *, of_worker: bool) -> None:
        """Raises PermissionError when this process may not come in by this door."""
        user, group = wire.ask_peer(line)
        if user == os.geteuid():
            return
        if not self.shared or (user != self.gateway if of_worker else group != self.operators):
            raise PermissionError("the other end of the audit socket is another user")

    def call_workers(self, timeout_s: float) -> socket.socket | None:
        """A line to the living sequencer; None when there is none to reach."""
        return wire.connect(self.folder, timeout_s, user=self._user)

    def call_operators(self, timeout_s: float) -> socket.socket | None:
        """A line to its other door; None where it cannot be reached from."""
        door = self.paths[1].relative_to(self.folder)
        return wire.connect(self.folder, timeout_s, door, user=self._user)

    @property
    def _user(self) -> int:
        return self.writer if self.shared else os.geteuid()

    def prepare(self) -> None:
        """Make what the two users share. Only for the writer; raises DoorsWrong, OSError."""
        if not self.shared:
            return
        found = self.folder.stat()
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
            raise DoorsWrong(
                "the folder of PARVIS_AUDIT_DOORS_DIR must belong to the writer's user, mode 0751"
            )
        self.boots.mkdir(exist_ok=True)
        try:
            os.chown(self.boots, -1, found.st_gid)
        except PermissionError as error:
            raise _refuse_groups() from error
        self.boots.chmod(_FOLDER_MODE)


def _refuse_groups() -> DoorsWrong:
    return DoorsWrong(
        "the writer's user must be in the group that owns the folder of PARVIS_AUDIT_DOORS_DIR "
        "and in PARVIS_AUDIT_OPERATORS_GROUP"
    )


def plan_doors(settings: Settings) -> Doors:
    """What the settings say. Raises ConfigurationFaults for names that the system does not know."""
    if settings.audit_doors_dir is None:
        return Doors(settings.audit_dir)
    return Doors(
        settings.audit_doors_dir,
        _find_user("audit_writer_user", settings.audit_writer_user),
        _find_user("audit_gateway_user", settings.audit_gateway_user),
        _find_group("audit_operators_group", settings.audit_operators_group),
    )


def _find_user(field: str, name: str) -> int:
    try:
        return int(name) if name.isascii() and name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise _unknown(field, "no such user on this machine") from None


def _find_group(field: str, name: str) -> int:
    try:
        return int(name) if name.isascii() and name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise _unknown(field, "no such group on this machine") from None


def _unknown(field: str, words: str) -> ConfigurationFaults:
    return ConfigurationFaults([Fault("settings", 0, env_name(field), words)])
