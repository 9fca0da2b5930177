"""`parvis knowledge ...`: bring the agencies' sources into the search, see them, try a question."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from parvis.cli.audit_open import open_log
from parvis.cli.knowledge_add import declaring, register_add
from parvis.cli.knowledge_records import SourceRecords
from parvis.db import create_database_engine
from parvis.domain import LANGUAGES, DataLevel, Passage
from parvis.errors import NotFound
from parvis.inference.models import load_models
from parvis.knowledge.encoder import build_encoder
from parvis.knowledge.ingest import Hide, SourceText
from parvis.knowledge.retrieve import Knowledge
from parvis.policy.rules import list_agency_rules
from parvis.privacy import PrivacyEngine
from parvis.privacy.placeholders import SHAPE
from parvis.services import build_masking
from parvis.settings import Settings, load_settings
from parvis.subjects.operators import read_reader
from parvis.tenancy.config import Agency
from parvis.tenancy.registry import TenantRegistry, load_tenants


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("knowledge", help="the sources that assistants quote")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    sync = commands.add_parser(
        "sync",
        help="read the agencies' source files into the search; only what changed is read anew",
        epilog="example: parvis knowledge sync --tenant valbourg",
    )
    sync.add_argument("--tenant", metavar="SLUG", help="this agency alone (default: all)")
    sync.set_defaults(run=run_sync)
    listing = commands.add_parser(
        "list",
        help="the sources of an agency that can be searched",
        epilog="example: parvis knowledge list --tenant valbourg",
    )
    listing.set_defaults(run=run_list)
    search = commands.add_parser(
        "search",
        help="the passages that a question finds, with their similarity",
        epilog='example: parvis knowledge search --tenant valbourg "Combien coûte un certificat ?"',
    )
    search.add_argument("question", help="as a citizen would ask it")
    search.add_argument("--language", choices=LANGUAGES, help="prefer passages in this language")
    search.add_argument("--limit", type=int, default=3, help="how many at most (default: 3)")
    search.add_argument(
        "--all", action="store_true", help="also passages too far off for an answer"
    )
    search.set_defaults(run=run_search)
    add = register_add(commands)
    add.set_defaults(run=run_add)
    for command in (listing, search, add):
        command.add_argument("--tenant", metavar="SLUG", required=True, help="the agency")
    for command in (sync, add):
        command.add_argument(
            "--operator",
            metavar="NAME",
            help="who changes it, as the records name them (without: the account of the machine)",
        )
    for command in (sync, listing, search, add):
        command.add_argument("--json", action="store_true", help="one JSON object a line")


def run_sync(args: argparse.Namespace) -> int:
    """Sync one agency or all; says what was added, changed, removed."""
    actor = read_reader(args.operator)
    with _open() as (tenants, knowledge), open_log(load_settings(), first=True) as log:
        chosen = [_get_agency(tenants, args.tenant)] if args.tenant else tenants.agencies.values()
        inner = any(one.level > DataLevel.PUBLIC for agency in chosen for one in agency.sources)
        privacy = build_masking(load_settings()) if inner else None
        for agency in chosen:
            hide = build_hide(privacy, agency) if privacy else None
            records = SourceRecords(log, agency.slug, actor)
            with records.watching():
                sources = read_sources(tenants, agency)
                report = knowledge.sync(agency.slug, sources, hide, records.tell)
            if args.json:
                print(json.dumps({"tenant": agency.slug, **asdict(report)}))
                continue
            print(
                f"{agency.slug}: {len(report.added)} added, {len(report.changed)} changed, "
                f"{len(report.removed)} removed, {len(report.unchanged)} unchanged; "
                f"{report.passages} passages"
            )
    return 0


def run_add(args: argparse.Namespace) -> int:
    """Declare a text as a source of the agency and bring it into the search."""
    settings = load_settings()
    agency = _get_agency(_load_tenants(settings), args.tenant)
    with declaring(settings.tenants_dir, agency, args):
        _load_tenants(settings)  # the agency's file with the new source, checked as a whole
    status = run_sync(args)
    if not args.json:
        print(f"name it in an assistant's `sources` ({args.tenant}.yaml), then restart the gateway")
    return status


def run_list(args: argparse.Namespace) -> int:
    """Print every source of the agency that can be searched."""
    with _open() as (tenants, knowledge):
        agency = _get_agency(tenants, args.tenant)
        for source in knowledge.list_sources(agency.slug):
            if args.json:
                print(json.dumps(asdict(source), ensure_ascii=False))
            else:
                words = f"{source.language}  {source.passages:4} passages  {source.url}"
                print(f"{source.source_id:32} {words}")
    return 0


def run_search(args: argparse.Namespace) -> int:
    """Print the passages found, best first; exit 0 also when there are none."""
    with _open() as (tenants, knowledge):
        agency = _get_agency(tenants, args.tenant)
        everything = {"min_score": -1.0} if args.all else {}
        passages = knowledge.retrieve(
            agency.slug,
            args.question,
            source_ids=[source.id for source in agency.sources],
            language=args.language,
            limit=max(1, args.limit),
            **everything,
        )
    for passage in passages:
        print(json.dumps(asdict(passage), ensure_ascii=False) if args.json else _show(passage))
    if not passages and not args.json:
        print("nothing found")
    return 0


def read_sources(tenants: TenantRegistry, agency: Agency) -> list[SourceText]:
    """The agency's sources with their text, as the search takes them."""
    return [
        SourceText(
            source_id=source.id,
            title=source.title[source.language],
            url=source.url,
            language=source.language,
            level=source.level,
            controller=source.controller,
            markdown=tenants.read_source(agency.slug, source),
        )
        for source in agency.sources
    ]


def build_hide(privacy: PrivacyEngine, agency: Agency) -> Hide:
    """What leaves personal data out of the vectors of this agency's inner sources."""
    key = os.urandom(32)  # its placeholders are dropped, so they need not last

    def leave_out(text: str) -> str:
        masked = privacy.mask([text], tag_key=key, allow=agency.privacy.allow)
        return SHAPE.sub(" ", masked.texts[0])

    return Hide(privacy.mask([""], tag_key=key).detector, leave_out)


def _get_agency(tenants: TenantRegistry, slug: str) -> Agency:
    if slug not in tenants.agencies:
        known = ", ".join(sorted(tenants.agencies))
        raise NotFound(f"no agency of this name in PARVIS_TENANTS_DIR; there are: {known}")
    return tenants.get_agency(slug)


def _show(passage: Passage) -> str:
    text = "\n".join(f"    {line}" for line in passage.text.splitlines())
    head = f"{passage.score:.2f}  {passage.source_id} ({passage.language})  {passage.title}"
    return f"{head}\n{text}"


@contextmanager
def _open() -> Iterator[tuple[TenantRegistry, Knowledge]]:
    settings = load_settings()
    engine = create_database_engine(settings.database_url)
    try:
        yield _load_tenants(settings), Knowledge(engine, build_encoder(settings.models_dir))
    finally:
        engine.dispose()


def _load_tenants(settings: Settings) -> TenantRegistry:
    return load_tenants(
        settings.tenants_dir,
        models=load_models(settings.models_file).models,
        policies=list_agency_rules(settings.policies_dir),
    )
