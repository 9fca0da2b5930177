"""One walk with the real model server: what no fake can promise."""

from pathlib import Path
from typing import Any, Protocol

import pytest

from parvis.errors import ContextTooLong
from parvis.inference import Inference, load_models
from tests.fakes.model_server import REPOSITORY
from tests.inference.conftest import ask, text_of


class ModelServer(Protocol):
    url: str
    api_key: str
    model: str


@pytest.fixture
def real(model_server: ModelServer, tmp_path: Path) -> Any:
    text = (REPOSITORY / "deploy/models.yaml").read_text(encoding="utf-8")
    key_file = tmp_path / "model.key"
    key_file.write_text(model_server.api_key)
    base = model_server.url.rstrip("/").removesuffix("/v1")
    text = text.replace("http://127.0.0.1:8082/v1", f"{base}/v1")
    text = text.replace("../.parvis/secrets/model.key", str(key_file))
    text = text.replace("served_name: demo-small", f"served_name: {model_server.model}")
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    inference = Inference(load_models(path))
    yield inference
    inference.close()


def test_real_model_streams_an_answer_and_counts_its_tokens(real: Inference) -> None:
    assert real.check_servers() == {"demo": "up"}
    messages = [{"role": "user", "content": "Say hello in one short sentence."}]
    pieces = list(ask(real, messages=messages, max_tokens=24, temperature=0))
    assert len(text_of(pieces)) > 3
    assert len(pieces) > 4
    assert pieces[-2].finish_reason in {"stop", "length"}
    usage = pieces[-1].usage
    assert usage is not None
    assert not usage.estimated
    assert usage.prompt_tokens > 5
    assert 0 < usage.completion_tokens <= 24


def test_real_server_refuses_what_is_too_long_and_goes_on(real: Inference) -> None:
    with pytest.raises(ContextTooLong):
        ask(real, messages=[{"role": "user", "content": "much too long " * 5000}])
    assert text_of(list(ask(real, max_tokens=4)))


def test_real_server_is_freed_by_a_hang_up(real: Inference) -> None:
    for _ in range(6):  # more than it has slots
        stream = ask(real, max_tokens=400, temperature=0)
        assert next(stream).text
        stream.close()
    assert text_of(list(ask(real, max_tokens=4)))
