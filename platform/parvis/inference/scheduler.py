"""Places at one model server, shared out fairly between agencies. Knows no network."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from parvis.errors import ModelOverloaded

_MAX_RETRY_AFTER = 30


@dataclass(slots=True, eq=False)
class _Waiter:
    tenant_id: str
    places: int
    granted: threading.Event = field(default_factory=threading.Event)


class FairSlots:
    """At most `limit` places at once; calls that find too few wait in a line of their agency.

    A call takes one place, or several where the server writes several answers to it. A free place
    goes to the agency with the fewest places, among equals to the one served longest ago: an agency
    that sends a hundred questions delays its own hundred first.
    """

    def __init__(self, limit: int, *, max_waiting: int, max_per_tenant: int, wait_s: float) -> None:
        self._limit = limit
        self._max_waiting = max_waiting
        self._max_per_tenant = max_per_tenant
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._lines: dict[str, deque[_Waiter]] = {}
        self._waiting = 0
        self._served: dict[str, int] = {}
        self._turn = 0
        self._closed = False

    @property
    def running(self) -> int:
        """Places held now."""
        with self._lock:
            return self._running.total()

    @property
    def waiting(self) -> int:
        """Calls in line now."""
        with self._lock:
            return self._waiting

    def acquire(self, tenant_id: str, places: int = 1) -> int:
        """How many places are ours, once they are: as many as asked for, or all there are.

        Raises ModelOverloaded when the line is full or too slow.
        """
        places = min(places, self._limit)
        with self._lock:
            if self._closed:
                raise ModelOverloaded(retry_after=1)
            # nobody overtakes one who waits for several
            if not self._waiting and self._running.total() + places <= self._limit:
                self._grant(tenant_id, places)
                return places
            waiter = self._join_line(tenant_id, places)
        if waiter.granted.wait(self._wait_s):
            if self._closed:
                raise ModelOverloaded(retry_after=1)
            return places
        with self._lock:
            if waiter.granted.is_set():  # granted between the wait's end and this line
                return places
            self._leave_line(waiter)
            self._serve_line()
            raise ModelOverloaded(retry_after=self._retry_after())

    def release(self, tenant_id: str, places: int = 1) -> None:
        """Give places back; the next in turn gets them at once."""
        with self._lock:
            self._running[tenant_id] -= places
            if self._running[tenant_id] <= 0:
                del self._running[tenant_id]
            self._serve_line()

    def close(self) -> None:
        """Send everybody in line away."""
        with self._lock:
            self._closed = True
            for line in self._lines.values():
                for waiter in line:
                    waiter.granted.set()
            self._lines.clear()
            self._waiting = 0

    def _join_line(self, tenant_id: str, places: int) -> _Waiter:
        line = self._lines.get(tenant_id)
        mine = len(line) if line else 0
        if self._waiting >= self._max_waiting or mine >= self._max_per_tenant:
            raise ModelOverloaded(retry_after=self._retry_after())
        waiter = _Waiter(tenant_id, places)
        self._lines.setdefault(tenant_id, deque()).append(waiter)
        self._waiting += 1
        return waiter

    def _leave_line(self, waiter: _Waiter) -> None:
        line = self._lines.get(waiter.tenant_id)
        if line is None:  # closed meanwhile
            return
        line.remove(waiter)
        self._waiting -= 1
        if not line:
            del self._lines[waiter.tenant_id]

    def _serve_line(self) -> None:
        while self._waiting:
            tenant_id = min(
                self._lines, key=lambda name: (self._running[name], self._served.get(name, 0))
            )
            waiter = self._lines[tenant_id][0]
            if self._running.total() + waiter.places > self._limit:
                return
            self._leave_line(waiter)
            self._grant(tenant_id, waiter.places)
            waiter.granted.set()

    def _grant(self, tenant_id: str, places: int) -> None:
        self._turn += 1
        self._served[tenant_id] = self._turn
        self._running[tenant_id] += places

    def _retry_after(self) -> int:
        return min(_MAX_RETRY_AFTER, 1 + self._waiting // self._limit)
