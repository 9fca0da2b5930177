"""The official OpenAI SDKs against the running demo, with tokens of the real Keycloak."""

import asyncio
import base64
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from deploy.dev.browser import find_node_tool
from deploy.dev.demo_process import DemoProcess
from parvis.audit.reader import AuditReader

QUESTION = "What are the opening hours of the town hall?"


@pytest.fixture(scope="session")
def agency(demo: dict[str, Any]) -> dict[str, Any]:
    """The first agency of the demo."""
    found: dict[str, Any] = demo["agencies"][0]
    return found


def fetch_token(agency: dict[str, Any]) -> str:
    """An access token by client credentials, as a chatbot gets it."""
    answer = requests.post(
        f"{agency['issuer']}/protocol/openid-connect/token",
        data={"grant_type": "client_credentials", **agency["chatbot"]},
        timeout=20,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def await_kind(data_dir: Path, agency: str, kind: str) -> None:
    """Return once the agency's log has such a record."""
    reader = AuditReader(data_dir / "audit")
    for _ in range(400):
        if reader.count_records(agency, kinds=[kind]):
            return
        time.sleep(0.1)
    pytest.fail(f"no {kind} in the log")


@pytest.fixture
def client(demo: dict[str, Any], agency: dict[str, Any]) -> openai.OpenAI:
    """The official Python client of the agency's chatbot."""
    return openai.OpenAI(
        base_url=f"{demo['gateway']}/v1", api_key=fetch_token(agency), max_retries=0
    )


def test_the_python_sdk_lists_asks_and_streams(
    client: openai.OpenAI, agency: dict[str, Any]
) -> None:
    model = agency["assistants"][0]
    assert model in [one.id for one in client.models.list()]
    messages: Any = [{"role": "user", "content": QUESTION}]
    whole = client.chat.completions.create(model=model, messages=messages)
    assert whole.choices[0].message.content
    assert whole.model_extra is not None
    assert whole.model_extra["parvis"]["sources"]
    pieces, finish, usage = [], None, None
    with client.chat.completions.create(
        model=model, messages=messages, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            if chunk.choices:
                pieces.append(chunk.choices[0].delta.content or "")
                finish = chunk.choices[0].finish_reason or finish
            usage = chunk.usage or usage
    assert "".join(pieces)
    assert finish == "stop"
    assert usage is not None
    assert usage.total_tokens > 0


def test_the_python_sdk_uses_the_responses_api(
    client: openai.OpenAI, agency: dict[str, Any]
) -> None:
    model = agency["assistants"][0]
    # One word, always the same: who runs into the model server's limit gets response.incomplete.
    asked: dict[str, Any] = {
        "model": model,
        "input": QUESTION,
        "instructions": "Say yes.",
        "temperature": 0.0,
    }
    whole = client.responses.create(**asked)
    assert whole.status == "completed"
    assert whole.output_text
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0
    with client.responses.stream(**asked) as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == final.output_text != ""
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=model, input=QUESTION, previous_response_id=whole.id)
    assert refused.value.param == "previous_response_id"


def test_a_real_model_gives_several_answers_and_streams_a_response(
    client: openai.OpenAI, agency: dict[str, Any]
) -> None:
    bare = next(one.id for one in client.models.list() if one.id.endswith("-brut"))
    typed = "Write one sentence to Marie Dupont."
    messages: Any = [{"role": "user", "content": typed}]
    several = client.chat.completions.create(model=bare, messages=messages, n=2, max_tokens=20)
    assert [choice.index for choice in several.choices] == [0, 1]
    assert all(choice.message.content for choice in several.choices)
    assert several.usage is not None
    assert several.usage.completion_tokens >= 2
    stream = client.responses.create(model=bare, input=typed, stream=True, max_output_tokens=4)
    events = list(stream)
    assert events[-1].type == "response.incomplete"
    last = events[-1].response
    assert last.incomplete_details is not None
    assert last.incomplete_details.reason == "max_output_tokens"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == last.output_text


def test_the_python_sdk_gets_vectors(client: openai.OpenAI, agency: dict[str, Any]) -> None:
    model = agency["assistants"][0]
    texts = ["What does an identity card cost?", "Was kostet ein Personalausweis?"]
    by_default = client.embeddings.create(model=model, input=texts)  # the SDK asks for base64
    as_floats = client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert len(by_default.data[0].embedding) == 512
    for packed, plain in zip(by_default.data, as_floats.data, strict=True):
        assert packed.embedding == pytest.approx(plain.embedding, abs=1e-6)
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=model, input=[[1, 2, 3]])
    assert "token ids" in refused.value.message


def test_the_async_python_sdk_streams(demo: dict[str, Any], agency: dict[str, Any]) -> None:
    async def ask() -> str:
        key = fetch_token(agency)
        async with openai.AsyncOpenAI(base_url=f"{demo['gateway']}/v1", api_key=key) as client:
            messages: Any = [{"role": "user", "content": "Wann ist das Rathaus geöffnet?"}]
            stream = await client.chat.completions.create(
                model=agency["assistants"][0], messages=messages, stream=True
            )
            return "".join(
                [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            )

    # a thread of its own: the browser's fixtures keep a loop running in this one
    with ThreadPoolExecutor(1) as thread:
        assert "Quelle" in thread.submit(asyncio.run, ask()).result()


def test_the_python_sdk_raises_its_own_errors(
    client: openai.OpenAI, demo: dict[str, Any], agency: dict[str, Any]
) -> None:
    messages: Any = [{"role": "user", "content": QUESTION}]
    other = demo["agencies"][1]["assistants"][0]
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model=other, messages=messages)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model=agency["assistants"][0], messages=[])
    assert wrong.value.param == "messages"
    stranger = client.with_options(api_key="nonsense")
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_a_fixed_key_is_traded_for_a_token(demo: dict[str, Any], agency: dict[str, Any]) -> None:
    chatbot = agency["chatbot"]
    plain = f"{agency['slug']}:{chatbot['client_id']}:{chatbot['client_secret']}"
    key = "pv-" + base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()
    client = openai.OpenAI(base_url=f"{demo['gateway']}/v1", api_key=key, max_retries=0)
    assert agency["assistants"][0] in [one.id for one in client.models.list()]
    wrong = client.with_options(api_key=key[:-6] + "AAAAAA")
    with pytest.raises(openai.AuthenticationError):
        wrong.models.list()


def test_a_real_model_writes_and_is_stopped(
    client: openai.OpenAI, agency: dict[str, Any], demo_process: DemoProcess
) -> None:
    bare = next(one.id for one in client.models.list() if one.id.endswith("-brut"))
    messages: Any = [{"role": "user", "content": "Tell me a long story about a town."}]
    stream = client.chat.completions.create(model=bare, messages=messages, stream=True)
    first = [chunk for _, chunk in zip(range(5), stream, strict=False)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in first)
    stream.close()
    await_kind(demo_process.data_dir, agency["slug"], "chat.aborted")
    whole = client.chat.completions.create(model=bare, messages=messages, max_tokens=20)
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 20


def test_the_javascript_sdk_lists_asks_and_streams(
    demo: dict[str, Any], agency: dict[str, Any]
) -> None:
    told = {
        "baseURL": f"{demo['gateway']}/v1",
        "apiKey": fetch_token(agency),
        "model": agency["assistants"][0],
        "wrongModel": demo["agencies"][1]["assistants"][0],
    }
    done = subprocess.run(
        [find_node_tool("node"), "sdk.mjs", json.dumps(told)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert agency["assistants"][0] in seen["models"]
    assert seen["answer"]
    assert seen["text"]
    assert seen["finish"] == "stop"
    assert seen["usage"]["total_tokens"] > 0
    assert seen["receipt"].startswith("v1.")
    assert seen["response"]["text"]
    assert seen["response"]["final"] == seen["response"]["streamed"] != ""
    assert seen["response"]["events"][0] == "response.created"
    assert seen["response"]["events"][-1] == "response.completed"
    assert seen["dimensions"] == 512
    assert seen["refused"] == {"name": "NotFoundError", "status": 404, "code": "model_not_found"}
    assert (seen["invalid"]["name"], seen["invalid"]["param"]) == ("BadRequestError", "messages")
    assert seen["unauthorised"] == {"name": "AuthenticationError", "status": 401}
