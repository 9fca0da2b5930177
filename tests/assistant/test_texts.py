"""Every string of a request that a model would read is found, and lands back in its place."""

import json

import pytest

from parvis.assistant.texts import collect_texts, find_renamed, replace_texts
from parvis.errors import InvalidRequest

MESSAGES = (
    {"role": "system", "content": "S"},
    {"role": "user", "content": "Q", "name": "N"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {
                    "name": "find",
                    "arguments": '{"Kowalski": "A", "list": ["B", 3, null]}',
                },
            }
        ],
    },
    {"role": "tool", "content": "R", "tool_call_id": "call_1"},
)
OPTIONS = {
    "temperature": 0.5,
    "stop": ["X", "Y"],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "find",
                "description": "D",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "P": {"type": "string", "enum": ["E"], "description": "F"},
                        "heure": {"type": "string"},
                    },
                    "required": ["P", "heure"],
                },
            },
        }
    ],
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "G", "schema": {"type": "object"}},
    },
    "tool_choice": "auto",
}


def test_every_text_is_found_and_nothing_that_only_steers() -> None:
    texts = collect_texts(MESSAGES, OPTIONS)
    assert texts == (
        *(
            "S",
            "Q",
            "N",
            "call_1",
            "Kowalski",
            '"Kowalski": "A"',
            '"list": "B"',
            "Find",
            "R",
            "call_1",
        ),
        *("X", "Y", "Find", "D", "P", "E", "F", "P", "N", "G"),
    )


def test_replaced_texts_land_in_their_places() -> None:
    beside = {'"Kowalski": "A"': '"Kowalski": "<A>"', '"list": "B"': '"list": "<B>"'}
    texts = [beside.get(text, f"<{text}>") for text in collect_texts(MESSAGES, OPTIONS)]
    messages, options = replace_texts(MESSAGES, OPTIONS, texts)
    assert messages[1] == {"role": "user", "content": "<Q>", "name": "<N>"}
    call = messages[2]["tool_calls"][0]
    assert call["id"] == messages[3]["tool_call_id"] == "<call_1>"
    assert call["function"]["name"] == options["tools"][0]["function"]["name"] == "Find"
    assert options["response_format"]["json_schema"]["name"] == "N"
    arguments = json.loads(call["function"]["arguments"])
    assert arguments == {"<Kowalski>": "<A>", "list": ["<B>", 3, None]}
    schema = options["tools"][0]["function"]["parameters"]
    assert schema["required"] == ["<P>", "heure"]
    assert schema["properties"]["<P>"] == {
        "type": "string",
        "enum": ["<E>"],
        "description": "<F>",
    }
    assert options["stop"] == ["<X>", "<Y>"]
    assert options["temperature"] == OPTIONS["temperature"]


def test_the_originals_are_left_alone() -> None:
    before = json.dumps([MESSAGES, OPTIONS])
    replace_texts(MESSAGES, OPTIONS, ["z"] * len(collect_texts(MESSAGES, OPTIONS)))
    assert json.dumps([MESSAGES, OPTIONS]) == before


@pytest.mark.parametrize("change", [-1, 1])
def test_another_number_of_texts_is_refused(change: int) -> None:
    texts = list(collect_texts(MESSAGES, OPTIONS))
    wrong = texts[:change] if change < 0 else [*texts, "more"]
    with pytest.raises(ValueError, match="texts"):
        replace_texts(MESSAGES, OPTIONS, wrong)
    replace_texts(MESSAGES, OPTIONS, texts)


def test_arguments_that_are_not_json_are_one_text() -> None:
    broken = [
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{oops"}}
            ],
        }
    ]
    assert collect_texts(broken, {}) == ("1", "{oops", "F")


def _called_with(arguments: str) -> list[dict[str, object]]:
    function = {"name": "f", "arguments": arguments}
    call = {"id": "1", "type": "function", "function": function}
    return [{"role": "assistant", "tool_calls": [call]}]


def test_arguments_nested_beyond_reading_are_one_text() -> None:
    deep = "[" * 100_000
    assert collect_texts(_called_with(deep), {}) == ("1", deep, "F")


def test_a_long_number_in_arguments_is_a_text_and_stays_a_number_unless_replaced() -> None:
    messages = _called_with('{"n": 7, "phone": 621123456}')
    assert collect_texts(messages, {}) == ("1", '"phone": "621123456"', "F")
    kept, _ = replace_texts(messages, {}, ("1", '"phone": "621123456"', "F"))
    assert json.loads(kept[0]["tool_calls"][0]["function"]["arguments"])["phone"] == 621123456
    masked, _ = replace_texts(messages, {}, ("1", '"phone": "[PHONE_1_k7fq]"', "F"))
    found = json.loads(masked[0]["tool_calls"][0]["function"]["arguments"])
    assert found == {"n": 7, "phone": "[PHONE_1_k7fq]"}


def test_a_value_is_read_beside_its_key_and_both_are_hidden_where_they_are_one_thing() -> None:
    messages = _called_with('{"Marie": ["Weber"], "x": ""}')
    assert collect_texts(messages, {}) == ("1", "Marie", '"Marie": "Weber"', "", "F")
    masked, _ = replace_texts(messages, {}, ("1", "[A]", '"[B]"', "", "F"))
    found = json.loads(masked[0]["tool_calls"][0]["function"]["arguments"])
    assert found == {"[A]": ['"[B]"'], "x": ""}


def test_a_key_that_a_dictionary_has_names_a_field_and_its_value_is_read_beside_it() -> None:
    messages = _called_with('{"ville": "Metz", "heure": "", "kowalski": "", "Ville": ""}')
    found = collect_texts(messages, {})
    assert found == ("1", '"ville": "Metz"', "", "kowalski", "", "Ville", "", "F")


def test_a_tools_result_is_read_without_its_json_escapes() -> None:
    result = json.dumps({"who": "Hélène Müller"})
    assert "\\u00e9" in result
    message = {"role": "tool", "content": result, "tool_call_id": "1"}
    assert collect_texts([message], {}) == ('{"who": "Hélène Müller"}', "1")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "V"},
        {"format": "V"},
        {"$ref": "V"},
        {"$schema": "V"},
        {"default": {"type": "V"}},
        {"type": ["string", "V"]},
        {"$comment": "V"},
    ],
)
def test_a_schema_word_steers_only_with_a_value_of_the_standard(schema: dict[str, object]) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert "V" in collect_texts((), {"tools": [tool]})


def test_only_the_tools_name_is_text_where_a_schema_has_no_words_but_its_own() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": ["string", "null"],
        "format": "date-time",
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert collect_texts((), {"tools": [tool]}) == ("F",)


def tool(name: str) -> dict[str, object]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lookup_marie_dupont", "Lookup Marie Dupont"),
        ("letterToMarieDupont", "Letter To Marie Dupont"),
        ("case-1990010112345", "Case 1990010112345"),
        ("getURLOf2Files", "Get URL Of 2 Files"),
    ],
)
def test_a_name_of_a_tool_is_looked_at_as_words_and_kept_when_nothing_is_in_it(
    name: str, words: str
) -> None:
    options = {"tools": [tool(name)], "tool_choice": tool(name)}
    assert collect_texts((), options) == (words, words)
    assert replace_texts((), options, (words, words))[1] == options
    shown = words.replace("Marie Dupont", "[PERSON_1_k7fq]").replace("19900", "[ID_")
    changed = replace_texts((), options, (shown, shown))[1]
    assert changed["tools"][0] == changed["tool_choice"]
    assert find_renamed((), options, (), changed) == (
        {} if shown == words else {changed["tools"][0]["function"]["name"]: name}
    )


def test_two_tools_that_would_be_one_to_the_model_are_refused() -> None:
    options = {"tools": [tool("find_marie_dupont"), tool("findMarieDupont")]}
    changed = {"tools": [tool("Find_PERSON_1_k7fq"), tool("Find_PERSON_1_k7fq")]}
    with pytest.raises(InvalidRequest) as refused:
        find_renamed((), options, (), changed)
    assert refused.value.param == "tools"
    assert find_renamed((), options, (), options) == {}
