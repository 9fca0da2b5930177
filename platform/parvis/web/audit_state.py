"""What the auditor's page says of the log as a whole: is it whole, until when, who vouches.

The list of records, proofs and exports are `auditor.py`'s; nothing here is recorded or changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from parvis.audit.anchors import AnchorState, find_birth
from parvis.audit.paper import format_head_line
from parvis.audit.policy_text import format_policy, list_trusted
from parvis.audit.reader import AuditReader
from parvis.web import audit_exports, i18n
from parvis.web.audit_words import VERDICTS
from parvis.web.current import get_services

_LOOK_BACK = timedelta(hours=24)
_GAP_S = 600.0  # as the verifier counts them
_MOST_BEATS = 1000


@dataclass(frozen=True, slots=True)
class Gaps:
    """When the log gave no sign of life, of the last 24 hours; `ended` is the end of the last."""

    count: int = 0
    longest: timedelta = timedelta()
    ended: datetime | None = None

    @property
    def minutes(self) -> int:
        """The longest one."""
        return int(self.longest.total_seconds() // 60)


def find_gaps(beats: Sequence[datetime], born: datetime, now: datetime, allowed_s: float) -> Gaps:
    """The gaps between signs of life (oldest first) that are longer than allowed."""
    start = max(born, now - _LOOK_BACK)
    times = [start, *(one for one in beats if start < one < now), now]
    found = [
        (later - earlier, later)
        for earlier, later in pairwise(times)
        if (later - earlier).total_seconds() > allowed_s
    ]
    return Gaps(len(found), max(found)[0], found[-1][1]) if found else Gaps()


def describe_state(reader: AuditReader, tenant_id: str) -> Mapping[str, Any]:
    """What a template needs to tell how the log stands, its keys and its copies outside."""
    services, words = get_services(), i18n.words()
    outside = services.anchors.describe(tenant_id)
    head = services.audit.publish_head(tenant_id)
    gaps = _look_for_gaps(reader, tenant_id)
    checked = audit_exports.find_checked(services.settings.data_dir, tenant_id)
    newest = outside.newest
    return {
        "tone": _choose_tone(outside, gaps, checked),
        "head": head,
        "head_time": words.moment(head.last_time),
        "head_line": format_head_line(reader.get_key(tenant_id).log, head.size, head.root),
        "outside": outside,
        "outside_time": words.moment(datetime.fromtimestamp(newest, UTC)) if newest else "",
        "gaps": gaps,
        "gaps_ended": words.moment(gaps.ended) if gaps.ended else "",
        "checked": checked,
        "checked_time": words.moment(checked.time) if checked else "",
        "checked_words": VERDICTS[checked.verdict] if checked else "",
        **describe_trust(reader, tenant_id),
    }


def describe_trust(reader: AuditReader, tenant_id: str) -> Mapping[str, Any]:
    """The keys that a verifier is to trust, and the policy that names them."""
    trust = get_services().anchors.plan.trust
    keys = list_trusted(reader, tenant_id, trust)
    return {"trusted": keys, "policy": format_policy(keys, trust)}


def _choose_tone(outside: AnchorState, gaps: Gaps, checked: audit_exports.Checked | None) -> str:
    if checked is not None and checked.verdict != "INTACT":
        return "danger"
    if outside.late or gaps.count:
        return "warn"
    return "good" if checked is not None and outside.covered else "info"


def _look_for_gaps(reader: AuditReader, tenant_id: str) -> Gaps:
    now, every_s = datetime.now(UTC), get_services().settings.audit_heartbeat_s
    beats = reader.list_records(
        tenant_id, kinds=("log.heartbeat",), from_time=now - _LOOK_BACK, limit=_MOST_BEATS
    )
    times = [one.time for one in reversed(beats)]
    born = datetime.fromtimestamp(find_birth(reader, tenant_id), UTC)
    if len(times) == _MOST_BEATS:  # older ones are not looked at
        born = times[0]
    return find_gaps(times, born, now, max(_GAP_S, 2 * every_s))


def find_feeds(tenant_id: str) -> list[Mapping[str, Any]] | None:
    """Who else gets the log's records, how far they are, and what went wrong last.

    None when it cannot be seen: no receiver is in the way of the log's own page.
    """
    try:
        return [*_describe_feeds(tenant_id)]
    except Exception:
        return None


def _describe_feeds(tenant_id: str) -> Iterator[Mapping[str, Any]]:
    words = i18n.words()
    for state in get_services().feeds.describe(tenant_id):
        moments = {"since": state.since, "trouble": state.trouble[0] if state.trouble else None}
        yield {
            "state": state,
            "words": state.trouble[1].removeprefix(f"{tenant_id}: ") if state.trouble else "",
            **{
                name: words.moment(datetime.fromtimestamp(at, UTC)) if at else ""
                for name, at in moments.items()
            },
        }
