"""The rules, attributes and operators as Markdown tables, for the handbook."""

from parvis.policy.attributes import ATTRIBUTES, Attribute
from parvis.policy.conditions import OPERATORS
from parvis.policy.rule import Rule, RuleSet


def render_rules(rules: RuleSet) -> str:
    """One row a rule: id, effect, first day, title in three languages, source."""
    rows = ["| id | effect | from | en | fr | de | source |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*rows, *(_rule_row(rule) for rule in rules.rules)]) + "\n"


def _rule_row(rule: Rule) -> str:
    title = rule.title
    cells = [
        rule.id,
        rule.effect if rule.mode == "enforce" else f"{rule.effect} (shadow)",
        rule.applies_from.isoformat(),
        title.en,
        title.fr,
        title.de,
        "; ".join(rule.source),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def render_attributes() -> str:
    """One row an attribute of the envelope: path, kind, closed words, what it means."""
    rows = ["| attribute | kind | words | may be unknown | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *(_attribute_row(a) for a in ATTRIBUTES.values())]) + "\n"


def _attribute_row(attribute: Attribute) -> str:
    words = ", ".join(f"`{word}`" for word in attribute.words)
    known = "yes" if attribute.nullable else ""
    kind, text = attribute.kind, attribute.description
    return f"| `{attribute.path}` | {kind} | {words} | {known} | {text} |"


def render_operators() -> str:
    """One row an operator: which kinds of attribute it may stand behind."""
    rows = ["| operator | stands behind |", "|---|---|"]
    rows += [f"| `{name}` | {', '.join(sorted(kinds))} |" for name, kinds in OPERATORS.items()]
    return "\n".join(rows) + "\n"
