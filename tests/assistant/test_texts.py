"""Every string of a request that a model would read is found, and lands back in its place."""

import json

import pytest

from parvis.assistant.texts import collect_texts, replace_texts

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
                "function": {"name": "find", "arguments": '{"who": "A", "list": ["B", 3, null]}'},
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
                    "properties": {"P": {"type": "string", "enum": ["E"], "description": "F"}},
                    "required": ["P"],
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
        *("S", "Q", "N", "who", "A", "list", "B", "R"),
        *("X", "Y", "D", "P", "E", "F", "P", "G"),
    )


def test_replaced_texts_land_in_their_places() -> None:
    texts = [f"<{text}>" for text in collect_texts(MESSAGES, OPTIONS)]
    messages, options = replace_texts(MESSAGES, OPTIONS, texts)
    assert messages[1] == {"role": "user", "content": "<Q>", "name": "<N>"}
    call = messages[2]["tool_calls"][0]
    assert call["id"] == "call_1"
    assert call["function"]["name"] == "find"
    assert json.loads(call["function"]["arguments"]) == {"<who>": "<A>", "<list>": ["<B>", 3, None]}
    schema = options["tools"][0]["function"]["parameters"]
    assert schema["required"] == ["<P>"]
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
    assert collect_texts(broken, {}) == ("{oops",)
