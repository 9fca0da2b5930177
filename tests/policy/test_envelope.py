"""The envelope: whole, strict, and able to answer for every input that a rule of the law needs."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from parvis.domain import LANGUAGES, Channel, DataLevel, Role
from parvis.policy.attributes import ATTRIBUTES
from parvis.policy.cases import build_example
from parvis.policy.engine import check_envelope, decide
from parvis.policy.envelope import revise
from parvis.policy.rules import load_rules

RULES = load_rules(Path("policies"))

# Every input that a planned rule reads, P-00 to P-27. One that is missing here is a rule that
# nobody could write.
INPUTS = {
    "P-01": ["assistant.purpose_code"],
    "P-02": ["request.intents", "request.subjects_named"],
    "P-03": ["data.controllers"],
    "P-04": ["request.modality", "assistant.context", "request.intents"],
    "P-05": ["request.intents", "assistant.sector"],
    "P-06": ["request.modality", "assistant.tools"],
    "P-07": ["output.modality", "model.safeguards", "clock"],
    "P-08": ["data.categories", "assistant.art9_basis"],
    "P-09": ["data.categories", "assistant.legal_basis"],
    "P-10": ["assistant.decision_stage", "request.channel", "assistant.discretion"],
    "P-11": ["output.intents", "request.language"],
    "P-12": ["principal.minor"],
    "P-13": ["assistant.retention_days", "assistant.purpose_code", "request.action"],
    "P-14": ["principal.tenant", "assistant.tenant", "data.tenant"],
    "P-15": ["data.entities", "assistant.pii_need", "data.masked"],
    "P-16": ["data.level", "model.clearance", "route.egress", "route.accredited"],
    "P-17": ["assistant.high_risk", "assistant.eu_db_id", "clock"],
    "P-18": ["assistant.high_risk", "overseer.on_duty", "overseer.trained"],
    "P-19": ["assistant.fria_status", "assistant.risk_review_due"],
    "P-20": [
        "model.provenance_ok",
        "model.licence",
        "model.digest",
        "model.digest_check",
        "model.lawfulness_check",
    ],
    "P-21": ["request.channel", "request.turn", "request.language", "request.notice_shown"],
    "P-22": ["output.kind", "output.tokens", "output.signed", "model.watermark_hook"],
    "P-23": ["request.action", "output.editor", "output.labelled"],
    "P-24": ["assistant.context", "assistant.worker_notice_date"],
    "P-25": ["request.intents"],
    "P-26": ["request.tool", "request.tool_origin", "assistant.tools"],
    "P-27": ["request.group_by", "request.group_size"],
    "further": [
        "principal.roles",
        "principal.kind",
        "principal.aal",
        "principal.trained_until",
        "assistant.id",
        "assistant.version",
        "assistant.procedure_law",
        "assistant.annex_iii",
        "assistant.role",
        "model.id",
        "model.modality",
        "route.node",
    ],
}

FAULTS = [
    ("model.provenance_ok", "yes"),
    ("model.clearance", "2"),
    ("model.clearance", 2.0),
    ("model.lawfulness_check", 1),
    ("model.digest_check", "perhaps"),
    ("data.level", -1),
    ("data.level", True),
    ("data.masked", None),
    ("data.entities", ["EMAIL"]),
    ("data.entities", {"EMAIL": -1}),
    ("data.entities", {"an address": 1}),
    ("principal.tenant", None),
    ("principal.tenant", ""),
    ("principal.roles", ["root"]),
    ("assistant.high_risk", "false"),
    ("assistant.fria_status", None),
    ("request.turn", 0),
    ("request.turn", "1"),
    ("request.channel", "telex"),
    ("request.notice_shown", "no"),
    ("request.intents", [{"label": "score-people", "score": 2.0, "detector": "d"}]),
    ("request.intents", [{"label": "score-people", "score": 0.5}]),
    ("output.kind", "poem"),
    ("route.egress", None),
    ("clock", "tomorrow"),
    ("clock", 20261201),
]


@pytest.mark.parametrize("path", sorted({path for paths in INPUTS.values() for path in paths}))
def test_every_input_that_the_law_needs_is_in_the_envelope(path: str) -> None:
    assert path in ATTRIBUTES


def test_the_envelope_holds_nothing_that_nobody_asked_for() -> None:
    asked = {path for paths in INPUTS.values() for path in paths}
    assert set(ATTRIBUTES) == asked


@pytest.mark.parametrize("path", sorted(ATTRIBUTES))
def test_a_request_without_one_attribute_is_refused_and_with_it_allowed(path: str) -> None:
    assert decide(RULES, json.dumps(build_example())).allowed
    decision = decide(RULES, json.dumps(build_example(unset=(path,))))
    assert (decision.allowed, decision.rules, decision.duties) == (False, ("P-00",), frozenset())
    assert decision.faults == (path,)


@pytest.mark.parametrize("part", ["principal", "assistant", "model", "data", "request", "output"])
def test_a_request_without_a_whole_part_is_refused(part: str) -> None:
    values = build_example()
    del values[part]
    assert decide(RULES, json.dumps(values)).rules == ("P-00",)


@pytest.mark.parametrize(("path", "value"), FAULTS)
def test_a_request_with_a_mistyped_attribute_is_refused(path: str, value: object) -> None:
    decision = decide(RULES, json.dumps(build_example({path: value})))
    assert (decision.allowed, decision.rules) == (False, ("P-00",))


@pytest.mark.parametrize("path", [p for p, a in sorted(ATTRIBUTES.items()) if not a.nullable])
def test_null_where_something_must_be_known_is_refused(path: str) -> None:
    assert decide(RULES, json.dumps(build_example({path: None}))).rules == ("P-00",)


@pytest.mark.parametrize("given", [None, 7, "", "[]", "null", "{", b"\xff\xfe", [], object(), {}])
def test_anything_that_is_no_envelope_is_refused_without_an_exception(given: object) -> None:
    assert decide(RULES, given).rules == ("P-00",)  # type: ignore[arg-type]


def test_an_unknown_key_is_refused_and_its_name_not_repeated() -> None:
    values = build_example({"request.my_secret_key": 1})
    decision = decide(RULES, json.dumps(values))
    assert decision.rules == ("P-00",)
    assert "secret" not in repr(decision)


def test_a_refusal_repeats_no_value() -> None:
    decision = decide(RULES, json.dumps(build_example({"model.licence": 5, "clock": "pssst"})))
    assert decision.faults == ("clock", "model.licence")
    assert "pssst" not in repr(decision)


def test_an_envelope_changed_behind_its_back_is_refused() -> None:
    good = check_envelope(json.dumps(build_example()))
    assert decide(RULES, good).allowed
    forged = good.model_copy(update={"data": good.data.model_copy(update={"level": "0"})})
    assert decide(RULES, forged).rules == ("P-00",)
    assert decide(RULES, good.model_construct()).rules == ("P-00",)


def test_a_revised_envelope_is_checked_anew() -> None:
    first = check_envelope(json.dumps(build_example({"data.entities": None, "data.masked": False})))
    assert decide(RULES, first).allowed
    assert decide(RULES, revise(first, {"data.entities": {"EMAIL": 1}})).rules == ("P-15a",)
    masked = revise(first, {"data.entities": {"EMAIL": 1}, "data.masked": True})
    assert decide(RULES, masked).allowed
    assert decide(RULES, revise(first, {"data.entities": "none"})).rules == ("P-00",)
    assert decide(RULES, revise(first, {"data.new": 1})).rules == ("P-00",)


def test_the_words_of_the_house_fit_the_envelope() -> None:
    words = {
        "request.channel": {channel.value for channel in Channel},
        "principal.roles": {role.value for role in Role},
        "request.language": set(LANGUAGES),
    }
    for path, expected in words.items():
        assert set(ATTRIBUTES[path].words) == expected
    for level in DataLevel:
        assert check_envelope(json.dumps(build_example({"data.level": level}))).data.level == level


def test_the_house_s_own_enums_and_sets_are_taken_and_made_plain() -> None:
    values = check_envelope(json.dumps(build_example())).model_dump()
    values["principal"]["roles"] = frozenset({Role.AUDITOR, Role.CIVIL_SERVANT})
    values["request"]["channel"] = Channel.API
    values["data"]["level"] = DataLevel.INTERNAL
    envelope = check_envelope(values)
    assert envelope.principal.roles == ("auditor", "civil-servant")
    assert (type(envelope.request.channel), type(envelope.data.level)) == (str, int)


def test_nobody_can_change_an_envelope() -> None:
    envelope = check_envelope(json.dumps(build_example()))
    with pytest.raises(ValidationError):
        envelope.data.level = 0
