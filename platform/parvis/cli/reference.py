"""`python -m parvis.cli.reference [DIR]`: the pages of docs/reference, written from the code.

A test compares the committed pages with these, so the reference cannot fall behind. `--check` says
which page has, and writes nothing.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from parvis import errors
from parvis.audit import feed_mapping
from parvis.audit.feeds import CollectorTarget, Feed, FileTarget, ReceiverTarget
from parvis.audit.kinds import BLOCKS, KINDS, REQUIRED_FIELDS, UNWRITTEN
from parvis.cli import build_parser
from parvis.domain import Role
from parvis.identity.permissions import PERMISSIONS
from parvis.metrics import COUNTED
from parvis.monitoring.looks import LOOKED
from parvis.policy.attributes import ATTRIBUTES
from parvis.policy.conditions import OPERATORS
from parvis.policy.rules import list_agency_rules, load_rules
from parvis.privacy.entities import MEANINGS
from parvis.settings import Settings, env_name

_MADE = "<!-- Written by `python -m parvis.cli.reference`. Change the code, not this page. -->"
_TREE_LINE = re.compile(r"[─\s│├└]*(\w+)\s+\d{3} (.+)$")


def render_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in lines)
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def render_settings() -> str:
    """Every setting: variable, default, meaning."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append((f"`{env_name(name)}`", default, field.description))
    return (
        "# Settings\n\nFrom the environment, or as `NAME=value` lines of `settings.env` in the "
        "data folder; the environment wins. A secret is never a setting: one names its file.\n\n"
        + render_table(("variable", "default", "meaning"), rows)
    )


def find_commands(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Every command that can be run, with its one-line help."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, child in action.choices.items():
            if any(isinstance(a, argparse._SubParsersAction) for a in child._actions):
                yield from find_commands(child)
            else:
                yield child, helps.get(name, "")


def render_commands() -> str:
    """Every command: how it is called, what it does, an example."""
    parts = [
        "# Commands\n\nEvery command exits 0 on success only, and says an error in one line on "
        "standard error. `parvis COMMAND --help` says the same as this page.\n"
    ]
    for parser, words in find_commands(build_parser()):
        parts.append(f"\n## {parser.prog}\n\n{parser.description or words}\n")
        rows = [
            (f"`{_option(action)}`", action.help or "")
            for action in parser._actions
            if action.dest != "help"
        ]
        parts += ["\n" + render_table(("argument", "meaning"), rows)] if rows else []
        parts += [f"\n{parser.epilog}\n"] if parser.epilog else []
    return "".join(parts)


def _option(action: argparse.Action) -> str:
    name = ", ".join(action.option_strings)
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if isinstance(value, tuple):
        value = " ".join(value)
    if not name and action.nargs in {"?", "*"}:
        return f"[{value}]"
    return f"{name} {value}".strip()


def find_errors() -> list[type[errors.ParvisError]]:
    """Every error of the house that a caller may see, in the order of their statuses."""
    found = [
        item
        for _, item in inspect.getmembers(errors, inspect.isclass)
        if issubclass(item, errors.ParvisError)
        and item not in {errors.ParvisError, errors.ConfigurationFaults}
    ]
    return sorted(found, key=lambda item: (item.status, item.default_code, item.__name__))


def read_error_tree() -> dict[str, list[str]]:
    """The codes of each class as the tree at the top of errors.py lists them."""
    lines = (errors.__doc__ or "").splitlines()
    found = (_TREE_LINE.match(line) for line in lines)
    return {match[1]: match[2].split(" | ") for match in found if match}


def render_errors() -> str:
    """Every error: status, code, type, public words."""
    tree = read_error_tree()
    rows = []
    for item in find_errors():
        codes = tree.get(item.__name__, [item.default_code])
        names = ", ".join(f"`{code.strip()}`" for code in codes)
        rows.append((item.status, names, f"`{item.type}`", item.words))
    return (
        "# Errors\n\nThe body is OpenAI's: "
        '`{"error": {"message", "type", "param", "code"}}`. Codes are stable; words may change. '
        "Nothing that a caller sent is repeated.\n\n"
        + render_table(("status", "code", "type", "words"), rows)
    )


def render_policy(policies: Path) -> str:
    """Every rule, every attribute of the envelope, every operator."""
    rules = load_rules(policies, list_agency_rules(policies)).rules
    rule_rows = (
        (
            rule.id,
            rule.effect if rule.mode == "enforce" else f"{rule.effect} (shadow)",
            rule.applies_from,
            f"{rule.title.en}<br>{rule.title.fr}<br>{rule.title.de}<br>{rule.title.lb or ''}",
            "; ".join(rule.source),
        )
        for rule in rules
    )
    attribute_rows = (
        (
            f"`{a.path}`",
            a.kind,
            ", ".join(f"`{word}`" for word in a.words),
            "yes" if a.nullable else "",
            a.description,
        )
        for a in ATTRIBUTES.values()
    )
    operator_rows = ((f"`{name}`", ", ".join(sorted(k))) for name, k in OPERATORS.items())
    return (
        "# Policy\n\nHow to read and change a rule: [policy.md](../policy.md).\n\n## Rules\n\n"
        + render_table(("id", "effect", "from", "title", "source"), rule_rows)
        + "\n## The envelope: what a rule may read\n\n"
        + render_table(("attribute", "kind", "words", "may be null", "meaning"), attribute_rows)
        + "\n## Operators\n\n"
        + render_table(("operator", "stands behind attributes of kind"), operator_rows)
    )


def render_audit() -> str:
    """Every kind of audit record, and the fields of every block."""
    kinds = (
        (f"`{name}`", *(", ".join(part) for part in (k.phases, k.outcomes, k.required, k.optional)))
        for name, k in KINDS.items()
    )
    blocks = (
        (f"`{name}`", ", ".join(f"`{f}` {t}" for f, t in fields.items()), _needed(name))
        for name, fields in BLOCKS.items()
    )
    return (
        "# Audit records\n\nWhat a record proves and how it is verified: [audit.md](../audit.md)."
        "\n\n## Kinds\n\n"
        + render_table(("kind", "phase", "outcome", "must carry", "may carry"), kinds)
        + "\n## Kinds that nothing writes yet\n\nVerifiers know them; no export of this version "
        "holds one.\n\n"
        + render_table(("kind", "why"), ((f"`{name}`", why) for name, why in UNWRITTEN.items()))
        + "\n## Blocks\n\n"
        + render_table(("block", "fields and their types", "always there"), blocks)
    )


def _needed(block: str) -> str:
    return ", ".join(f"`{name}`" for name in REQUIRED_FIELDS.get(block, ()))


def render_feeds() -> str:
    """How records become events of OCSF, and the keys of the file that declares feeds."""
    kinds = []
    for name, row in feed_mapping.KINDS.items():
        found = feed_mapping.CLASSES[row.class_uid]
        activity = found.activities.get(row.activity, name.partition(".")[2])
        words = f"{row.activity} {activity}"
        kinds.append((f"`{name}`", f"{row.class_uid} {found.name}", words, row.severity))
    fields = (
        (f"`{m.ours}`", f"`{m.theirs}`", ", ".join(map(str, m.classes)) or "all")
        for m in feed_mapping.FIELDS
    )
    return (
        f"# Feeds\n\nMapping version {feed_mapping.MAPPING}, OCSF {feed_mapping.OCSF_VERSION}. "
        "How to set a feed up, what it promises and what never leaves: "
        "[audit-feeds.md](../audit-feeds.md).\n\n## The file of `PARVIS_FEEDS_FILE`\n\nOne key, "
        "`feeds`: a list of\n\n"
        + render_table(("key", "default", "meaning"), _list_keys())
        + "\n## Kinds of records in OCSF\n\n`denied`, `failed` and `unknown` are never less than "
        "low.\n\n"
        + render_table(("kind", "class", "activity", "severity"), kinds)
        + "\n## Fields\n\nOther fields stand under `unmapped.parvis` by their own names, or in "
        "lists: roles (`actor.user.groups`), assistant, conversation and documents "
        "(`resources`), decision and rule set (`authorizations`). `seal` never leaves.\n\n"
        + render_table(("ours", "OCSF", "classes"), fields)
    )


def _list_keys() -> Iterator[tuple[str, str, str]]:
    parts: dict[str, type[BaseModel]] = {
        "file": FileTarget,
        "collector": CollectorTarget,
        "receiver": ReceiverTarget,
    }
    models: list[tuple[str, type[BaseModel]]] = [("", Feed)]
    for before, model in models + [(f"{name}.", part) for name, part in parts.items()]:
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True)
            shown = "" if field.is_required() or default is None else f"`{default}`"
            if name not in parts:
                yield f"`{before}{name}`", shown, field.description or ""


def render_privacy() -> str:
    """Every kind of personal value that is masked."""
    return "# Kinds of personal values\n\nHow masking works: [privacy.md](../privacy.md).\n\n" + (
        render_table(("label", "meaning"), ((f"`{k}`", text) for k, text in MEANINGS.items()))
    )


def render_roles() -> str:
    """Which role may do what."""
    rows = (
        (permission.value, ", ".join(f"`{role}`" for role in Role if role in roles))
        for permission, roles in PERMISSIONS.items()
    )
    return (
        "# Roles\n\nRoles are realm roles of the agency's own Keycloak realm; none reaches into "
        "another agency.\n\n" + render_table(("may", "roles"), rows)
    )


def render_metrics() -> str:
    """Every figure of `/metrics`: name, kind, labels, meaning."""
    rows = (
        (f"`{one.name}`", one.kind, ", ".join(f"`{name}`" for name in one.labels), one.help)
        for one in (*COUNTED, *LOOKED)
    )
    return (
        "# Metrics\n\nHow to read them and be alarmed: [operate.md](../operate.md#metrics). "
        "Counters of the gateway begin at nothing when `parvis serve` does, those of the audit "
        "writer when it does. `tenant` is an agency's slug, or `platform`.\n\n"
        + render_table(("name", "kind", "labels", "meaning"), rows)
    )


def build_pages(policies: Path) -> dict[str, str]:
    """Every page of the reference by its file name."""
    makers: dict[str, Callable[[], str]] = {
        "settings.md": render_settings,
        "commands.md": render_commands,
        "errors.md": render_errors,
        "policy.md": lambda: render_policy(policies),
        "audit.md": render_audit,
        "audit-feeds.md": render_feeds,
        "privacy.md": render_privacy,
        "roles.md": render_roles,
        "metrics.md": render_metrics,
    }
    pages = {name: make() for name, make in makers.items()}
    return {
        name: text.replace("\n", f"\n\n{_MADE}\n", 1).replace("\n\n\n", "\n\n")
        for name, text in pages.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with --check say which are not as the code says (exit 1)."""
    parser = argparse.ArgumentParser(description="Write the reference from the code.")
    parser.add_argument("directory", nargs="?", type=Path, default=Path("docs/reference"))
    parser.add_argument("--policies", type=Path, default=Path("policies"), help="folder of rules")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a change")
    args = parser.parse_args(arguments)
    stale = []
    for name, text in build_pages(args.policies).items():
        path = args.directory / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not args.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(f"{'stale' if args.check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
