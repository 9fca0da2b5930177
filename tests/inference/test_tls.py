"""TLS to a model server: only with the authority that the operator named."""

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from parvis.errors import UpstreamFailed
from parvis.inference import Inference, load_models
from tests.fakes.certificates import make_certificate
from tests.fakes.model_server import Answer, FakeModelServer
from tests.inference.conftest import MESSAGES, ask, text_of


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[FakeModelServer, Path]]:
    certificate, key = make_certificate(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with FakeModelServer(tls=context) as server:
        yield server, certificate


def test_server_with_the_named_authority_answers_and_others_get_nothing(
    secure: tuple[FakeModelServer, Path], tmp_path: Path
) -> None:
    server, certificate = secure
    stranger, _ = make_certificate(tmp_path, "stranger")
    for ca_file in (stranger, None):
        changes = {"probe": None, "ca_file": str(ca_file) if ca_file else None}
        inference = Inference(load_models(server.write_models(tmp_path, **changes)))
        with pytest.raises(UpstreamFailed):
            ask(inference)
        inference.close()
    assert server.bodies == []
    models = server.write_models(tmp_path, probe=None, ca_file=str(certificate))
    inference = Inference(load_models(models))
    for _ in range(2):
        assert text_of(list(ask(inference))) == MESSAGES[0]["content"]
    inference.close()
    assert len(server.bodies) == 2


def test_close_from_another_thread_ends_a_reader_over_tls(
    secure: tuple[FakeModelServer, Path], tmp_path: Path
) -> None:
    server, certificate = secure
    models = server.write_models(tmp_path, probe=None, ca_file=str(certificate))
    inference = Inference(load_models(models))
    server.script(Answer(hold=threading.Event(), hold_after=1))
    stream = ask(inference)
    assert next(stream).text
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    stream.close()
    reader.join(timeout=20)
    assert not reader.is_alive()
    server.wait_for(hang_ups=1)
    inference.close()
