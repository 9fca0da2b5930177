"""Which acts are in force though no log tells of them: the writer took nothing at that moment.

A hold counts from its row on and a request stands in the list; what they are, and who writes the
record that is owed, is in `holding.py` and `erase.py`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from parvis.audit.events import PLATFORM
from parvis.errors import NotFound
from parvis.subjects.agencies import find_left, list_ended
from parvis.subjects.stores import Stores

_PAGE = 1000
# a clock may have been set back between the act and its record
_EARLIER = timedelta(days=1)


def find_unrecorded(
    stores: Stores, tenant_id: str, kind: str, acts: Mapping[str, datetime]
) -> frozenset[str]:
    """Of these acts (id and when) those that no record of this kind names.

    Where a record may have been pruned by now the act counts as recorded.
    """
    if not acts:
        return frozenset()
    since = min(acts.values()) - _EARLIER
    told: set[str] = set()
    logs = [(tenant_id, one.log.id) for one in list_ended(stores, tenant_id)]
    logs.append((PLATFORM if find_left(stores, tenant_id) else tenant_id, ""))
    for owner, log_id in logs:
        told.update(_list_objects(stores, owner, log_id, kind, since))
        oldest = _find_oldest(stores, owner, log_id)
        told.update(one for one, moment in acts.items() if oldest and moment < oldest)
    return frozenset(acts) - told


def _list_objects(
    stores: Stores, owner: str, log_id: str, kind: str, since: datetime
) -> Iterator[str]:
    before = None
    while page := stores.audit.reader.list_records(
        owner, limit=_PAGE, before=before, kinds=(kind,), from_time=since, log_id=log_id
    ):
        for one in page:
            yield str(one.data["target"].get("object", ""))
        before = page[-1].seq


def _find_oldest(stores: Stores, owner: str, log_id: str) -> datetime | None:
    """When the first record was written that is still whole; None where nothing was pruned."""
    reader = stores.audit.reader
    try:
        minimum = reader.get_minimum(owner, log_id)
    except NotFound:
        return None
    first = reader.find_record(owner, minimum, log_id) if minimum else None
    return first.time if first else None
