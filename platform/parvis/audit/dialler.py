"""How a process finds the sequencer of the logs, or runs one itself where it may.

What is said on the line is `client.py`'s business, what is answered `server.py`'s.
"""

import logging
import socket
import time
from collections.abc import Callable

from parvis.audit.doors import Doors
from parvis.audit.faults import describe_fault, read_fault
from parvis.audit.log_keys import Boot
from parvis.audit.server import Server
from parvis.audit.start_check import LogInconsistent
from parvis.audit.store import Occupied, StoreFault, StoreUnsafe
from parvis.errors import AuditUnavailable
from parvis.keystore import SealBroken

log = logging.getLogger(__name__)

_JOIN_S = 5.0
_CONNECT_S = 2.0
_POLL_S = 0.02


def begin_life(doors: Doors) -> Boot:
    """This process's sign of life, where the writer looks for it; raises AuditUnavailable."""
    deadline = time.monotonic() + _JOIN_S
    while doors.shared and not doors.boots.is_dir():
        if time.monotonic() > deadline:
            raise AuditUnavailable(
                "The writer of the audit logs was never there: start `parvis audit sequencer`."
            )
        time.sleep(_POLL_S)
    return Boot(doors.boots, group_too=doors.shared)


class Dialler:
    """Lines to the sequencer. `fault` says in words for operators why none is there, or is empty.

    `lead` starts a sequencer in this process; without it one is waited for.
    """

    def __init__(self, doors: Doors, lead: Callable[[], Server] | None) -> None:
        self._doors = doors
        self._lead = lead
        self.server: Server | None = None
        self.fault = ""

    def dial_first(self) -> socket.socket | None:
        """A line at the start: a sequencer that starts beside this process is waited for."""
        deadline = time.monotonic() + _JOIN_S
        while (line := self.dial()) is None and self._lead is None:
            if self.fault or time.monotonic() > deadline:
                return None
            time.sleep(_POLL_S)
        return line

    def dial(self) -> socket.socket | None:
        """A line to the sequencer; where none is and this process may, it runs one itself.

        None when there is none to reach. Raises AuditUnavailable when the logs cannot be opened.
        """
        deadline = time.monotonic() + _JOIN_S
        while True:
            line = self._doors.call_workers(_CONNECT_S)
            if line is not None:
                self.fault = ""
                return line
            lead = self._lead
            if lead is None:
                self.fault = read_fault(self._doors.folder)
                return None
            if not self._try_to_lead(lead) and time.monotonic() > deadline:
                return None

    def dial_operators(self) -> socket.socket | None:
        """A line to the operators' door; None when there is none to reach."""
        return self._doors.call_operators(_CONNECT_S)

    def lead_no_more(self) -> None:
        """Start no other sequencer; the one that runs here goes on until `close`."""
        self._lead = None

    def close(self) -> None:
        """End the sequencer that runs here."""
        if self.server is not None:
            self.server.close()

    def _try_to_lead(self, lead: Callable[[], Server]) -> bool:
        """Run a sequencer here; False when another process does. Raises AuditUnavailable."""
        if self.server is not None:
            self.server.close()
            self.server = None
        try:
            self.server = lead()
        except Occupied:
            time.sleep(_POLL_S)
            return False
        except (StoreFault, OSError, LogInconsistent, StoreUnsafe, SealBroken) as error:
            self.fault = describe_fault(error)
            log.critical("audit.refused", extra={"fault": self.fault})
            raise AuditUnavailable(f"The audit log cannot be opened: {self.fault}.") from error
        return True
