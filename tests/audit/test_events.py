"""Records: canonical bytes, closed kinds, strict fields; nothing of a person in clear."""

import json
from typing import Annotated, Any, Literal

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from parvis.audit import Actor, Draft, verify
from parvis.audit.canonical import MAX_INTEGER, encode, encode_json
from parvis.audit.events import build_body, check_block, clean_word, new_id
from parvis.audit.kinds import (
    BLOCKS,
    CONTENT_PREFIXES,
    KINDS,
    REQUIRED_FIELDS,
    SEALED_CONTENT,
    SEALED_NAMES,
    TYPES,
)
from parvis.domain import Principal, Role

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_records_are_written_as_rfc_8785_says(record: dict[str, Any]) -> None:
    found = encode(record)
    assert found == encode_json(record) == rfc8785.dumps(record)
    assert verify.parse_record(found) == record == json.loads(found)


@pytest.mark.parametrize(
    "value", [1.5, 2**53, -(2**53), {"é": 1}, {1: 2}, b"x", "\ud800", {"a": [0.1]}]
)
def test_a_value_without_canonical_form_is_refused(value: Any) -> None:
    for write in (encode, encode_json):
        for record in ({"a": value}, {"a": ["x", value]}, {"a": {"b": {}, "c": [[value]]}}):
            with pytest.raises(ValueError, match=r"record holds|surrogates|UTF-8|str is not valid"):
                write(record)


@pytest.mark.parametrize("text", ['":1.5', '",2', '":12345678901234567', "[1", "a,1.5e3"])
def test_text_that_looks_like_a_number_is_written_as_text(text: str) -> None:
    assert encode_json({"a": [text], text: text}) == rfc8785.dumps({"a": [text], text: text})


@pytest.mark.parametrize(
    "leaf",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b"[1]",
        b'{"a":1}\n',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 5000,
        b"",
    ],
)
def test_the_verifier_refuses_every_other_form(leaf: bytes) -> None:
    with pytest.raises(verify.Malformed):
        verify.parse_record(leaf)


def test_writer_and_verifier_hold_the_same_tables() -> None:
    assert {name: dict(block) for name, block in BLOCKS.items()} == verify.BLOCK_FIELDS
    assert dict(REQUIRED_FIELDS) == verify.REQUIRED_FIELDS
    ours = {name: tuple(" ".join(part) for part in kind) for name, kind in KINDS.items()}
    assert ours == verify.KINDS
    assert (SEALED_NAMES, SEALED_CONTENT) == (verify.SEALED_NAMES, verify.SEALED_CONTENT)
    assert CONTENT_PREFIXES == verify.CONTENT_PREFIXES


COUNT = Annotated[int, Field(ge=0, lt=2**53)]
WORD = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/@+=,~()#<>*-]{1,255}$")]
LABEL = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
DECLARED: dict[str, Any] = {
    "word": WORD,
    "words": Annotated[list[WORD], Field(max_length=64)],
    "count": COUNT,
    "flag": bool,
    "hex32": Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")],
    "hex64": Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")],
    "time": Annotated[
        str,
        StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z$"),
    ],
    "counts": Annotated[dict[LABEL, COUNT], Field(max_length=64)],
    "actor": Literal["person", "service", "system", "unknown"],
    "decision": Literal["allow", "deny"],
    "action": Literal["none", "masked", "generalised", "blocked", "passed"],
}
DECLARERS = {code: TypeAdapter(declared) for code, declared in DECLARED.items()}
TEXTS = (
    st.text(max_size=8)
    | st.text("0123456789abcdef", min_size=31, max_size=33)
    | st.text("0123456789abcdef", min_size=63, max_size=65)
    | st.text("aB0-_.\n", min_size=254, max_size=256)
    | st.from_regex(r"[A-Z][A-Z0-9_]{0,40}\n?", fullmatch=True)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}.[0-9]{6}Z\n?")
    | st.sampled_from(["person", "allow", "masked", "none", "Person", "allow "])
)
NUMBERS = st.integers() | st.sampled_from([0, 2**53 - 1, 2**53, -1])
ODD = st.none() | st.booleans() | st.floats() | st.binary(max_size=3) | NUMBERS | TEXTS
VALUES_OF_FIELDS = (
    ODD
    | st.lists(ODD, max_size=3)
    | st.lists(st.just("word"), min_size=63, max_size=66)
    | st.dictionaries(TEXTS, ODD, max_size=3)
    | st.builds(lambda n: {f"L{at}": at for at in range(n)}, st.integers(63, 66))
)


@settings(max_examples=600, deadline=None)
@given(VALUES_OF_FIELDS)
def test_the_fast_checks_of_fields_allow_what_their_declarations_allow(value: Any) -> None:
    assert set(DECLARED) == set(TYPES)
    for code in DECLARED:
        try:
            DECLARERS[code].validate_python(value, strict=True)
            allowed = True
        except ValidationError:
            allowed = False
        assert TYPES[code](value) is allowed, code


def test_a_block_needs_its_required_fields() -> None:
    assert check_block("actor", {"type": "system", "client": ""}) == {"type": "system"}
    with pytest.raises(ValueError, match="actor: type"):
        check_block("actor", {"client": "x"})


def a_block(name: str) -> dict[str, Any]:
    examples = {
        "word": "a.b/c",
        "words": ["a"],
        "count": 1,
        "flag": True,
        "hex32": "0" * 32,
        "hex64": "0" * 64,
        "time": "2026-11-21T08:00:00.000000Z",
        "counts": {"EMAIL": 1},
        "actor": "person",
        "decision": "deny",
        "action": "masked",
    }
    return {field: examples[code] for field, code in BLOCKS[name].items()}


def as_record(body: dict[str, Any]) -> dict[str, Any]:
    now = "2026-11-21T08:00:00.000000Z"
    emit = {"node": "n", "boot": "0" * 32, "worker": "w", "n": 1}
    return body | {
        "log": "0" * 32,
        "seq": 0,
        "time": now,
        "seen": now,
        "emit": emit,
        "actor": {"type": "system"},
    }


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_takes_what_it_may_carry_and_nothing_else(kind: str) -> None:
    rules = KINDS[kind]
    for phase in rules.phases:
        given: dict[str, Any] = {
            "phase": phase,
            "outcome": rules.outcomes[0] if rules.outcomes else None,
            "re": new_id() if phase == "result" else None,
        }
        carried = {name: a_block(name) for name in (*rules.required, *rules.optional)}
        body = build_body(Draft(kind, **given, **carried))
        assert verify.find_fault(as_record(body)) is None
        for name in set(BLOCKS) - {"emit", "actor"} - set(carried):
            with pytest.raises(ValueError, match=f"carries no {name}"):
                build_body(Draft(kind, **given, **carried, **{name: a_block(name)}))
            assert verify.find_fault(as_record(body | {name: a_block(name)})) == "unknown field"
        for name in rules.required:
            less = {key: block for key, block in carried.items() if key != name}
            with pytest.raises(ValueError, match=f"needs {name}"):
                build_body(Draft(kind, **given, **less))
        wrong = dict(given, re=None if phase == "result" else new_id())
        with pytest.raises(ValueError, match="only a result"):
            build_body(Draft(kind, **wrong, **carried))


@pytest.mark.parametrize("name", sorted(set(BLOCKS) - {"emit", "actor"}))
def test_a_field_of_the_wrong_form_is_refused_on_both_sides(name: str) -> None:
    kind = next(kind for kind, rules in KINDS.items() if name in rules.optional + rules.required)
    rules = KINDS[kind]
    needed = {block: a_block(block) for block in rules.required}
    outcome = rules.outcomes[0] if rules.outcomes else None
    re = new_id() if rules.phases[0] == "result" else None
    good = Draft(
        kind, phase=rules.phases[0], outcome=outcome, re=re, **(needed | {name: a_block(name)})
    )
    body = build_body(good)
    for field in [*BLOCKS[name], "unheard"]:
        for value in ({"x": "Jean Dupont"}, -1, "Jean Dupont, né en 1960", ["a\nb"]):
            block = a_block(name) | {field: value}
            cleaned = (
                name == "model" and isinstance(value, str) and field not in ("wanted", "unheard")
            )
            if not cleaned:
                with pytest.raises(ValueError, match=name) as refused:
                    build_body(
                        Draft(
                            kind,
                            phase=rules.phases[0],
                            outcome=outcome,
                            re=re,
                            **(needed | {name: block}),
                        )
                    )
                assert "Dupont" not in str(refused.value)
            assert verify.find_fault(as_record(body | {name: block})) is not None


@pytest.mark.parametrize(
    "draft",
    [
        Draft("chat.invented"),
        Draft("auth.login", phase="intent"),
        Draft("auth.failed"),
        Draft("auth.failed", outcome="success"),
        Draft("auth.login", reason="a b"),
        Draft("auth.login", id="1"),
        Draft("auth.login", sealed={"prompt": b"x"}),
        Draft("chat.started", target={"assistant": "x"}, outcome="success"),
        Draft("chat.finished", re="1"),
    ],
)
def test_a_draft_that_fits_no_kind_is_refused(draft: Draft) -> None:
    with pytest.raises(ValueError, match="audit:"):
        build_body(draft)


def test_a_model_servers_own_words_are_made_fit() -> None:
    body = build_body(
        Draft("model.changed", outcome="success", model={"answered": "Smol LM\n2", "asked": None})
    )
    assert body["model"] == {"answered": "Smol_LM_2"}
    assert clean_word("é" * 300) == "_" * 255


def test_an_actor_tells_roles_but_not_who() -> None:
    principal = Principal(
        "commune",
        "subject-1",
        "portal",
        "person",
        frozenset({Role.AUDITOR, Role.CIVIL_SERVANT}),
        "urn:loa 2",
        "Jeanne",
    )
    actor = Actor.of(principal)
    assert actor == Actor(
        "person", "subject-1", ("auditor", "civil-servant"), "urn:loa_2", "portal"
    )


def test_ids_are_ordered_by_time_and_of_version_seven() -> None:
    ids = [new_id() for _ in range(50)]
    assert all(one[14] == "7" and one[19] in "89ab" for one in ids) and len(set(ids)) == 50
    assert [one[:8] for one in ids] == sorted(one[:8] for one in ids)
