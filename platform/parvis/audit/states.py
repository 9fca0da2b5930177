"""A log as it is taken up for one more transaction: it must be what was signed.

What is then added to it is `writer.py`'s business.
"""

from parvis.audit.entries import State
from parvis.audit.notes import Checkpoint
from parvis.audit.rows import LogRow
from parvis.audit.start_check import LogInconsistent, check_signed
from parvis.audit.store import Store
from parvis.audit.tree import Frontier


def load_state(store: Store, log: LogRow, known: tuple[int, str]) -> State:
    """The log as its head says; `known` is (size, note) of the head that was seen last.

    Raises LogInconsistent when it cannot be continued.
    """
    head = store.find_head(log.no)
    if head is None:
        raise LogInconsistent("a log has lost its head")
    size, note = known
    if head.note != note:
        if head.size < size:
            raise LogInconsistent("a log is shorter than it was")
        check_signed(store, log, head)
    try:
        frontier = Frontier.load(head.size, head.frontier)
    except ValueError as error:
        raise LogInconsistent("a log's frontier is damaged") from error
    signed = Checkpoint(log.origin, head.size, frontier.root())
    if frontier.root() != head.root or not head.note.startswith(signed.text + "\n"):
        raise LogInconsistent("a log's frontier is not that of its root")
    return State(log, frontier, head.last_us, head.note, signed_size=head.size)
