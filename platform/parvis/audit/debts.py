"""What the audit log still owes: records that could not be written when they were due.

Owed in the memory of one process, so lost with it. What may be owed at all is said where it is
handed in (`log.py`): someone's leaving, and the endings of intents whose own could not be written.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from parvis.audit.events import Draft
from parvis.errors import AuditUnavailable

_MOST_LATE = 1000


class Debts:
    """Records to write behind the next one that can be; thread-safe.

    `submit` takes an agency and its draft, `submit_ending` an agency, its intent and the reason;
    both raise AuditUnavailable, and then it stays owed.
    """

    def __init__(
        self,
        submit: Callable[[str, Draft], object],
        submit_ending: Callable[[str, str, str], object],
    ) -> None:
        self._submit = submit
        self._submit_ending = submit_ending
        self._late: deque[tuple[str, Draft]] = deque(maxlen=_MOST_LATE)
        self._unended: dict[str, str] = {}  # intent -> its agency

    def add_late(self, tenant_id: str, draft: Draft) -> None:
        """Owe this record; its reason will be `late`. Beyond 1000 the oldest is given up."""
        self._late.append((tenant_id, replace(draft, reason="late")))

    def add_unended(self, tenant_id: str, intent: str) -> None:
        """Owe an ending to this intent."""
        self._unended[intent] = tenant_id

    def pay(self) -> None:
        """Hand over what is owed, as far as it is taken now.

        Whoever asked got no answer then; an ending that was written after all stays the one.
        """
        while (late := self._take_late()) is not None:
            try:
                self._submit(*late)
            except AuditUnavailable:
                self._late.appendleft(late)
                return
        while (unended := self._take_unended()) is not None:
            intent, tenant_id = unended
            try:
                self._submit_ending(tenant_id, intent, "not_written")
            except AuditUnavailable:
                self._unended[intent] = tenant_id
                return

    def _take_late(self) -> tuple[str, Draft] | None:
        try:
            return self._late.popleft()
        except IndexError:  # another thread may have taken the last one
            return None

    def _take_unended(self) -> tuple[str, str] | None:
        try:
            return self._unended.popitem()
        except KeyError:
            return None
