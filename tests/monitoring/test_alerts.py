"""The example alarms name only figures that exist, with labels that they have."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from parvis.metrics import COUNTED, OUTCOMES, Instrument, list_codes
from parvis.monitoring.looks import LOOKED

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"
KNOWN = {one.name: one for one in (*COUNTED, *LOOKED)}
CLOSED = {"code": set(list_codes()), "outcome": set(OUTCOMES)}
# names of PromQL itself, and of what Prometheus knows of every scrape
WORDS = {"time", "increase", "up"}


def list_alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = list_alerts()


def find_used(expression: str) -> list[tuple[str, dict[str, str]]]:
    """Every name of an expression with the labels that are asked of it."""
    found = re.findall(r"([a-z_]+)(?:\{([^}]*)\})?", re.sub(r"\[\d+[smhd]\]", "", expression))
    return [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels))) for name, labels in found]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alarm_names_only_figures_labels_and_words_that_exist(alert: dict[str, Any]) -> None:
    for name, labels in find_used(alert["expr"]):
        if name in WORDS:
            continue
        instrument: Instrument = KNOWN[name]
        assert set(labels) <= set(instrument.labels)
        for label, word in labels.items():
            assert word in CLOSED[label]
        for told in re.findall(r"\$labels\.(\w+)", str(alert["annotations"])):
            assert told in instrument.labels


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alarm_says_what_happened_and_what_to_do(alert: dict[str, Any]) -> None:
    assert set(alert["annotations"]) == {"summary", "action"}
    assert alert["labels"]["severity"] in {"warning", "critical"}


def test_only_counters_are_asked_for_their_increase() -> None:
    for alert in ALERTS:
        for name in re.findall(r"increase\(([a-z_]+)", alert["expr"]):
            assert KNOWN[name].kind == "counter"


def test_names_carry_their_units_and_the_kinds_their_endings() -> None:
    for one in KNOWN.values():
        assert re.fullmatch(r"parvis_[a-z][a-z_]*", one.name)
        assert one.name.endswith("_total") == (one.kind == "counter")
        assert bool(one.bounds) == (one.kind == "histogram")
        assert not set(one.labels) & {"le", "quantile", "job", "instance"}
    assert len(KNOWN) == len(COUNTED) + len(LOOKED)
