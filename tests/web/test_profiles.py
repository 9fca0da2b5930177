"""What each privacy profile does at the door: the model's copy, the answer, the header, the log."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from parvis.assistant.hiding import Scope, hide
from parvis.domain import Channel
from parvis.errors import PersonalDataRefused, PrivacyUnavailable
from parvis.tenancy.config import Hiding
from tests.fakes.installation import Installation
from tests.fakes.model_server import Answer

BARE = "valbourg-brut"
TYPED = (
    "Write to Marie Dupont, born on 12.03.1980, 12, rue de la Gare, L-4010 Esch-sur-Alzette, "
    "marie.dupont@gmail.com, +352 621 123 456, IBAN LU28 0019 4006 4475 0000."
)
VALUES = (
    "Dupont",
    "12.03.1980",
    "rue de la Gare",
    "marie.dupont@gmail.com",
    "+352 621 123 456",
    "LU28 0019 4006 4475 0000",
)
KINDS = {"PERSON", "DATE_OF_BIRTH", "ADDRESS", "EMAIL", "PHONE", "IBAN"}


def set_profile(
    gateway: Installation, profile: str, *, pii_need: str = "none", **more: Sequence[str]
) -> None:
    """Give the bare assistant this profile, as its agency's file would."""
    registry = gateway.services.tenants
    agency = registry.get_agency("valbourg")
    bare = agency.find_assistant(BARE)
    assert bare is not None
    text = json.dumps({"profile": profile, **more})
    changed = bare.model_copy(
        update={"privacy": Hiding.model_validate_json(text), "pii_need": pii_need}
    )
    others = [one for one in agency.assistants if one.id != BARE]
    agency = agency.model_copy(update={"assistants": (*others, changed)})
    agencies = {**registry.agencies, "valbourg": agency}
    gateway.replace(tenants=type(registry)(registry.directory, agencies))


def ask(gateway: Installation, question: str = TYPED, **fields: Any) -> TestResponse:
    body = {"model": BARE, "messages": [{"role": "user", "content": question}], **fields}
    return gateway.client.post("/v1/chat/completions", json=body, headers=gateway.headers())


def seen_by_model(gateway: Installation) -> str:
    body = json.loads(gateway.model_server.bodies[-1])
    return str(body["messages"][-1]["content"])


def content(response: TestResponse) -> str:
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.json is not None
    return str(response.json["choices"][0]["message"]["content"])


def last_record(gateway: Installation) -> Any:
    return gateway.records()[-1]


def test_mask_hides_every_value_and_brings_it_back(gateway: Installation) -> None:
    set_profile(gateway, "mask")
    response = ask(gateway)
    assert content(response) == TYPED
    assert not [value for value in VALUES if value in seen_by_model(gateway)]
    assert response.headers["x-pii-action"].startswith("masked; ADDRESS=1 DATE_OF_BIRTH=1")
    record = last_record(gateway)
    assert record["privacy"]["action"] == "masked"
    assert record["privacy"]["profile"] == "mask"
    assert set(record["privacy"]["counts"]) == KINDS
    assert "kept" not in record["privacy"]


def test_default_is_another_word_for_mask(gateway: Installation) -> None:
    set_profile(gateway, "default")
    assert content(ask(gateway)) == TYPED
    assert last_record(gateway)["privacy"]["profile"] == "mask"


@pytest.mark.parametrize("stream", [False, True])
def test_mask_only_answers_with_neutral_words(gateway: Installation, stream: bool) -> None:
    set_profile(gateway, "mask-only")
    gateway.model_server.script(Answer(piece_chars=3))
    response = ask(gateway, stream=stream)
    told = response.get_data(as_text=True)
    if stream:
        events = [line[6:] for line in told.split("\n\n") if line.startswith("data: {")]
        deltas = [json.loads(event)["choices"][0]["delta"] for event in events]
        told = "".join(delta.get("content", "") for delta in deltas)
    assert not [value for value in VALUES if value in told]
    assert "Write to [name 1], born on [date of birth 1]" in told
    assert "[IBAN 1]" in told
    assert not [value for value in VALUES if value in seen_by_model(gateway)]
    assert response.headers["x-pii-action"].startswith("masked; ")
    assert last_record(gateway)["privacy"]["profile"] == "mask-only"


def test_mask_only_speaks_the_language_of_the_question(gateway: Installation) -> None:
    set_profile(gateway, "mask-only")
    told = content(ask(gateway, "Schreiben Sie bitte einen Brief an Herrn Jean Weber in Trier."))
    assert "[Name 1]" in told
    told = content(ask(gateway, "Écrivez une lettre à Monsieur Jean Weber, s'il vous plaît."))
    assert "[nom 1]" in told


def test_mask_only_gives_a_typed_placeholder_back_as_typed(gateway: Installation) -> None:
    set_profile(gateway, "mask-only")
    typed = "What does [PERSON_1_k7fq] mean for Marie Dupont?"
    assert content(ask(gateway, typed)) == "What does [PERSON_1_k7fq] mean for [name 1]?"


def test_generalise_tells_coarse_facts_and_brings_values_back(gateway: Installation) -> None:
    set_profile(gateway, "generalise")
    for piece_chars in (1, 5, 1000):
        gateway.model_server.script(Answer(piece_chars=piece_chars))
        response = ask(gateway)
        assert content(response) == TYPED
    seen = seen_by_model(gateway)
    assert not [value for value in VALUES if value in seen]
    for fact in ("(age 45-54)", "(Esch-sur-Alzette)", "(private mailbox)", "(LU mobile)", "(LU)"):
        assert fact in seen
    assert response.headers["x-pii-action"].startswith("generalised; ADDRESS=1")
    record = last_record(gateway)
    assert record["privacy"]["action"] == "generalised"
    assert set(record["privacy"]["counts"]) == KINDS


def test_generalise_leaves_a_town_readable(gateway: Installation) -> None:
    set_profile(gateway, "generalise")
    response = ask(gateway, "My name is Marie Dupont and I live in Thionville. Which office?")
    seen = seen_by_model(gateway)
    assert "Thionville" in seen
    assert "Dupont" not in seen
    assert response.headers["x-pii-action"] == "generalised; PERSON=1"
    privacy = last_record(gateway)["privacy"]
    assert (privacy["counts"], privacy["kept"]) == ({"LOCATION": 1, "PERSON": 1}, {"LOCATION": 1})


def test_generalise_restores_arguments_of_tools(gateway: Installation) -> None:
    set_profile(gateway, "generalise")
    ask(gateway)
    message = seen_by_model(gateway)
    arguments = json.dumps({"letter": message}, ensure_ascii=False)
    call = {"index": 0, "id": "call_1", "type": "function"}
    pieces = [arguments[i : i + 7] for i in range(0, len(arguments), 7)]
    deltas = [
        {"tool_calls": [{**call, "function": {"name": "send", "arguments": pieces[0]}}]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": one}}]} for one in pieces[1:]),
    ]
    gateway.model_server.script(Answer(pieces=[], deltas=deltas, finish="tool_calls"))
    response = ask(gateway)
    assert response.json is not None
    got = response.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(got) == {"letter": TYPED}


@pytest.mark.parametrize("stream", [False, True])
def test_block_refuses_personal_data_and_sends_nothing(gateway: Installation, stream: bool) -> None:
    set_profile(gateway, "block")
    response = ask(gateway, stream=stream)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"]["code"] == "personal_data_refused"
    assert response.headers["x-pii-action"].startswith("blocked; ADDRESS=1 DATE_OF_BIRTH=1")
    assert response.headers["x-audit-receipt"].startswith("v1.")
    assert gateway.model_server.bodies == []
    assert not [value for value in VALUES if value in response.get_data(as_text=True)]
    record = last_record(gateway)
    assert (record["kind"], record["outcome"]) == ("chat.refused", "denied")
    assert record["reason"] == "personal_data_refused"
    assert record["privacy"]["action"] == "blocked"
    assert set(record["privacy"]["counts"]) == KINDS
    assert "seal" not in record or "prompt" not in record["seal"]


def test_block_answers_what_holds_nothing_personal(gateway: Installation) -> None:
    set_profile(gateway, "block")
    asked = "When is the office open on Monday?"
    response = ask(gateway, asked)
    assert content(response) == asked
    assert response.headers["x-pii-action"] == "none"


def test_block_masks_what_the_agency_itself_wrote(gateway: Installation) -> None:
    set_profile(gateway, "block")
    agency = gateway.services.tenants.get_agency("valbourg")
    assistant = agency.find_assistant(BARE)
    assert assistant is not None
    principal = gateway.services.verifier.verify(gateway.token())
    scope = Scope(principal, Channel.API, "start")
    passage = "Ask Mrs Marie Dupont, +352 621 123 456."
    given = (gateway.services, agency, assistant)
    hidden = hide(*given, ["When is it open?"], scope, own=[passage])
    assert "Dupont" not in hidden.texts[1]
    assert hidden.build_restorer("en").restore(hidden.texts[1]) == passage
    with pytest.raises(PersonalDataRefused):
        hide(*given, ["I am Marie Dupont."], scope, own=[passage])


def test_block_lets_kinds_through_that_it_keeps(gateway: Installation) -> None:
    set_profile(gateway, "block", keep=["LOCATION"])
    asked = "I live in Thionville. Which office is mine?"
    assert content(ask(gateway, asked)) == asked
    assert "Thionville" in seen_by_model(gateway)
    assert ask(gateway, asked + " I am Marie Dupont.").status_code == 400


def test_pass_goes_in_clear_for_a_written_need_but_never_secrets(gateway: Installation) -> None:
    set_profile(gateway, "pass", pii_need="correspondence", hide=["IBAN"])
    response = ask(gateway, TYPED + " Password: hunter2-Xy9!")
    assert content(response) == TYPED + " Password: hunter2-Xy9!"
    seen = seen_by_model(gateway)
    assert "Marie Dupont" in seen
    assert "12.03.1980" in seen
    assert "LU28 0019 4006 4475 0000" not in seen
    assert "hunter2" not in seen
    passed = "passed; ADDRESS=1 DATE_OF_BIRTH=1 EMAIL=1 PERSON=1 PHONE=1"
    assert response.headers["x-pii-action"] == passed
    privacy = last_record(gateway)["privacy"]
    assert privacy["action"] == "passed"
    assert set(privacy["counts"]) - set(privacy["kept"]) == {"IBAN", "SECRET"}


def test_pass_without_a_written_need_is_refused_by_rule_p_15(gateway: Installation) -> None:
    set_profile(gateway, "pass")
    response = ask(gateway)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"]["code"] == "policy_violation"
    assert gateway.model_server.bodies == []
    record = last_record(gateway)
    assert record["policy"]["rules"] == ["P-15a"]
    assert record["privacy"]["action"] == "passed"
    asked = "When is the office open on Monday?"
    assert content(ask(gateway, asked)) == asked


def test_an_agency_s_own_rule_for_masking_stops_what_would_pass(gateway: Installation) -> None:
    set_profile(gateway, "pass", pii_need="form")
    assert content(ask(gateway)) == TYPED
    rules = gateway.services.rules["valbourg"]
    everywhere = [
        rule.model_copy(update={"when": (), "effect": "mask"})
        for rule in rules.rules
        if rule.id == "P-21"
    ]
    stricter = replace(rules, rules=(*rules.rules, *everywhere))
    gateway.replace(rules={**gateway.services.rules, "valbourg": stricter})
    asked = len(gateway.model_server.bodies)
    refused = ask(gateway)
    assert refused.status_code == 400
    assert len(gateway.model_server.bodies) == asked
    assert last_record(gateway)["kind"] == "chat.refused"


def test_a_kept_kind_without_a_written_need_is_refused_unless_it_is_a_town(
    gateway: Installation,
) -> None:
    asked = "Marie Dupont lives in Thionville."
    set_profile(gateway, "mask", keep=["PERSON"])
    assert ask(gateway, asked).status_code == 400
    assert gateway.model_server.bodies == []
    set_profile(gateway, "mask", keep=["LOCATION"])
    assert content(ask(gateway, asked)) == asked
    assert "Thionville" in seen_by_model(gateway)
    assert "Dupont" not in seen_by_model(gateway)


def test_pass_stays_below_the_models_clearance(gateway: Installation) -> None:
    set_profile(gateway, "pass", pii_need="case-file")
    assert content(ask(gateway)) == TYPED
    registry = gateway.services.tenants
    agency = registry.get_agency("valbourg")
    raised = [
        one.model_copy(update={"data_level": 3}) if one.id == BARE else one
        for one in agency.assistants
    ]
    agencies = {
        **registry.agencies,
        "valbourg": agency.model_copy(update={"assistants": tuple(raised)}),
    }
    gateway.replace(tenants=type(registry)(registry.directory, agencies))
    asked = len(gateway.model_server.bodies)
    assert ask(gateway).status_code == 400
    assert len(gateway.model_server.bodies) == asked


class BrokenPrivacy:
    """Analysers that fail."""

    def mask(self, _texts: Sequence[str], **_options: Any) -> Any:
        raise PrivacyUnavailable


@pytest.mark.parametrize("profile", ["mask", "mask-only", "generalise", "block", "pass"])
def test_without_masking_no_profile_sends_anything(gateway: Installation, profile: str) -> None:
    set_profile(gateway, profile, pii_need="case-file")
    working = gateway.services.privacy
    gateway.replace(privacy=BrokenPrivacy())
    refused = ask(gateway, "Hello there")
    assert refused.status_code == 503
    assert refused.json is not None
    assert refused.json["error"]["code"] == "pii_engine_unavailable"
    assert gateway.model_server.bodies == []
    gateway.replace(privacy=working)
    assert content(ask(gateway, "Hello there")) == "Hello there"


def test_through_v1_no_vault_is_ever_opened(gateway: Installation) -> None:
    class Closed:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    gateway.replace(vault=Closed())
    for profile in ("mask", "mask-only", "generalise"):
        set_profile(gateway, profile)
        assert ask(gateway, conversation="chosen-by-the-client").status_code in {200, 400}
        assert content(ask(gateway, "Hello there")) == "Hello there"
