"""The words of agencies' files, of the models' catalogue and of the hall fit the envelope."""

from pathlib import Path
from typing import get_args

import pytest

from parvis.domain import Channel, ChatTurn, Principal, Role
from parvis.policy.engine import decide
from parvis.policy.envelope import AssistantFacts
from parvis.policy.rules import list_agency_rules, load_rules
from parvis.tenancy.config import Agency, Assistant

POLICIES = Path("policies")


@pytest.mark.parametrize(
    "name",
    [
        *("purpose_code", "context", "procedure_law", "annex_iii", "role", "legal_basis"),
        *("art9_basis", "pii_need", "decision_stage", "fria_status"),
    ],
)
def test_an_agency_s_file_knows_exactly_the_words_of_the_envelope(name: str) -> None:
    written = get_args(Assistant.model_fields[name].annotation)
    assert len(written) > 1
    assert written == get_args(AssistantFacts.model_fields[name].annotation)


def test_an_agency_s_sector_is_one_of_the_envelope_s() -> None:
    written = get_args(Agency.model_fields["sector"].annotation)
    assert written == get_args(AssistantFacts.model_fields["sector"].annotation)


def test_every_example_assistant_can_be_decided_on_and_is_allowed() -> None:
    """An ordinary first question on each of its channels, through the hall's own envelope."""
    from parvis.assistant.envelopes import after_masking, build_envelope  # noqa: PLC0415
    from parvis.inference.models import load_models  # noqa: PLC0415
    from parvis.tenancy.registry import load_tenants  # noqa: PLC0415

    models = load_models(Path("deploy/models.yaml")).models
    names = list_agency_rules(POLICIES)
    tenants = load_tenants(Path("tenants"), models=models, policies=names)
    asked = 0
    for agency in tenants.agencies.values():
        rules = load_rules(POLICIES, agency.policies)
        for assistant in agency.assistants:
            for channel in assistant.channels:
                asked += 1
                model = models[assistant.models["default"]]
                person = Principal(agency.slug, "s", "c", "person", frozenset({Role.CIVIL_SERVANT}))
                turn = ChatTurn(assistant.id, ({"role": "user", "content": "?"},), Channel(channel))
                first = build_envelope(person, agency, assistant, model, turn)
                before = decide(rules, first)
                assert before.allowed, (assistant.id, before)
                assert {"notice", "mark"} <= before.duties
                second = after_masking(
                    first, model=model, counts={"EMAIL": 1}, masked=True, passages=()
                )
                assert decide(rules, second).allowed
                stranger = build_envelope(
                    Principal("another-agency", "s", "c", "person", frozenset()),
                    agency,
                    assistant,
                    model,
                    turn,
                )
                assert decide(rules, stranger).rules == ("P-14",)
    assert asked >= 3
