"""TLS to a model server: only with the authority that the operator named."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from parvis.errors import UpstreamFailed
from parvis.inference import Inference, load_models
from tests.fakes.model_server import Answer, FakeModelServer
from tests.inference.conftest import MESSAGES, ask, text_of


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for loopback, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


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
