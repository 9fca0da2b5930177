"""The copy of their data that a person may ask for (GDPR Art. 15): a JSON file and a page.

Two people are on record before anything is opened. What others wrote beside it (an overseer's
note, say) is left out: Art. 15(4) protects them.
"""

import html
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parvis.audit.events import Actor, Draft
from parvis.audit.readings import AuditRecord
from parvis.domain import LANGUAGES, Language
from parvis.errors import NotFound
from parvis.keystore import SealBroken
from parvis.subjects.agencies import list_ended, record
from parvis.subjects.copy_words import WORDS
from parvis.subjects.find import Found, describe
from parvis.subjects.stores import Stores

_THEIRS = ("user", "ip", "prompt", "answer", "title", "document", "address", "query")
_PAGE = 1000


def write_copy(
    stores: Stores,
    tenant_id: str,
    found: Found,
    folder: Path,
    *,
    actor: Actor,
    second: Actor,
    language: Language,
) -> dict[str, Any]:
    """Write person.json and index.html to a new folder, readable by its owner only.

    Gives counts and the receipt. Raises FileExistsError, AuditUnavailable (nothing is written).
    """
    receipt = ""
    for who, reason in ((second, "agreed"), (actor, "copy")):
        target = {"view": "subject.copy", "object": found.wanted.kind, "records": found.values}
        draft = Draft("audit.unsealed", who, outcome="success", reason=reason, target=target)
        receipt = record(stores, tenant_id, draft).text
    copy = _build(stores, tenant_id, found)
    folder.mkdir(parents=True, mode=0o700)
    page = _render(copy, WORDS[language], language)
    for name, text in (
        ("person.json", json.dumps(copy, ensure_ascii=False, indent=1)),
        ("index.html", page),
    ):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return {
        "folder": str(folder),
        "conversations": len(copy["conversations"]),
        "records": len(copy["records"]),
        "receipt": receipt,
    }


def _build(stores: Stores, tenant_id: str, found: Found) -> dict[str, Any]:
    kept = describe(stores, tenant_id, found)
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "agency": _name_agency(stores, tenant_id),
        "kept": kept,
        "conversations": list(_open_conversations(stores, tenant_id, found)),
        "records": list(_list_records(stores, tenant_id, found, kept["pseudonyms"])),
    }


def _name_agency(stores: Stores, tenant_id: str) -> dict[str, Any]:
    """Name and contact as the agency's file says; of one that left only its short name is known."""
    agency = stores.tenants.agencies.get(tenant_id)
    if agency is None:
        return {"name": dict.fromkeys(LANGUAGES, tenant_id), "contact": None}
    return {"name": agency.name.model_dump(), "contact": agency.contact.model_dump()}


def _open_conversations(stores: Stores, tenant_id: str, found: Found) -> Iterator[dict[str, Any]]:
    for facts in found.conversations:
        try:
            opened = stores.conversations.open_held(tenant_id, facts.id)
        except NotFound:  # its key is gone: nobody can open it
            continue
        yield {
            "id": facts.id,
            "assistant": facts.assistant_id,
            "title": opened.title,
            "begun": facts.created_at.isoformat(),
            "kept_until": facts.expires_at.isoformat(),
            "turns": [
                {
                    "time": turn.created_at.isoformat(),
                    "question": turn.question,
                    "answer": turn.answer,
                    "model_saw": json.loads(turn.model_saw) if turn.model_saw else None,
                    "sources": [source.title for source in turn.sources],
                    "receipt": turn.receipt,
                }
                for turn in opened.turns
            ],
        }


def _list_records(
    stores: Stores, tenant_id: str, found: Found, pseudonyms: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Records that seal a value of theirs or bear a pseudonym of theirs, oldest first."""
    ended = [one.log.id for one in list_ended(stores, tenant_id)]
    newest = stores.audit.get_log(tenant_id).id
    pids, keys = set(pseudonyms.values()), {key.id for key in found.keys}
    for log_id in dict.fromkeys([*ended, newest]):
        places = [place for listed in found.sealed.values() for place in listed]
        seqs = {place.seq for place in places if place.log == log_id}
        for known in _find_records(stores, tenant_id, log_id, seqs, pids):
            yield _describe_record(stores, tenant_id, known, keys)


def _find_records(
    stores: Stores, tenant_id: str, log_id: str, seqs: set[int], pids: set[str]
) -> Iterator[AuditRecord]:
    """Of one log those at these positions, and those of these pseudonyms."""
    reader, after = stores.audit.reader, -1
    if not pids:
        found = (reader.find_record(tenant_id, seq, log_id) for seq in sorted(seqs))
        yield from (one for one in found if one is not None)
        return
    while page := reader.list_records(tenant_id, limit=_PAGE, after=after, log_id=log_id):
        for one in reversed(page):
            if one.seq in seqs or one.data["actor"].get("pid") in pids:
                yield one
        after = page[0].seq


def _describe_record(
    stores: Stores, tenant_id: str, known: AuditRecord, keys: set[str]
) -> dict[str, Any]:
    entries = known.data.get("seal", {})
    try:
        opened = stores.audit.reader.open_sealed(tenant_id, known, stores.keystore)
    except SealBroken:
        opened = {}
    return {
        "record": dict(known.data),
        "opened": {
            name: value.decode("utf-8", "replace")
            for name, value in opened.items()
            if name in _THEIRS and entries[name]["k"] in keys
        },
    }


def _render(copy: Mapping[str, Any], words: Mapping[str, str], language: Language) -> str:
    office = html.escape(copy["agency"]["name"][language])
    lines = [
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">',
        f"<title>{words['title']}</title><h1>{words['title']}</h1>",
        f"<p>{office}, {copy['made'][:10]}</p><p>{words['intro']}</p>",
        f"<h2>{words['conversations']} ({len(copy['conversations'])})</h2>",
    ]
    for one in copy["conversations"]:
        until = f"{words['until']} {one['kept_until'][:10]}"
        lines.append(f"<h3>{html.escape(one['title']) or one['id']}</h3><p>{until}</p><dl>")
        for turn in one["turns"]:
            lines.append(f"<dt>{words['question']}, {turn['time'][:16]}</dt>")
            lines.append(f"<dd>{html.escape(turn['question'])}</dd>")
            lines.append(f"<dt>{words['answer']}</dt><dd>{html.escape(turn['answer'])}</dd>")
        lines.append("</dl>")
    lines.append(f"<h2>{words['records']} ({len(copy['records'])})</h2><p>{words['about']}</p><ul>")
    for entry in copy["records"]:
        record = entry["record"]
        lines.append(f"<li>{record['time'][:16]} {html.escape(record['kind'])}<dl>")
        for name, value in entry["opened"].items():
            lines.append(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>")
        lines.append("</dl></li>")
    lines.append(f"</ul><h2>{words['rights']}</h2><p>{words['rights_text']}</p></html>")
    return "\n".join(lines) + "\n"
