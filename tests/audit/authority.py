"""A real time-stamp authority (RFC 3161) on this machine: OpenSSL's own, through its library.

What `openssl ts -reply` does, without the command, which a fresh machine may lack: the library
comes with the PostgreSQL driver's wheel, by hash, on every machine that runs these tests. It is
not the code under test in any way: neither asking, nor reading, nor verifying goes through it.
"""

import ctypes
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_POLICY = b"1.3.6.1.4.1.13762.3"
_SERIAL = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def load_openssl() -> ctypes.CDLL:
    """The libcrypto of the PostgreSQL driver's wheel."""
    found = importlib.util.find_spec("psycopg_binary")
    assert found is not None and found.origin is not None
    site = Path(found.origin).parents[1]
    folders = (site / "psycopg_binary.libs", site / "psycopg_binary" / ".dylibs")
    files = [path for folder in folders for path in sorted(folder.glob("libcrypto*"))]
    library = ctypes.CDLL(str(files[0]))
    pointers = (
        *("BIO_new_mem_buf", "BIO_new", "BIO_s_mem", "PEM_read_bio_X509", "OPENSSL_sk_new_null"),
        *("PEM_read_bio_PrivateKey", "TS_RESP_CTX_new", "TS_RESP_create_response", "OBJ_txt2obj"),
        *("EVP_get_digestbyname", "ASN1_INTEGER_new"),
    )
    for name in pointers:
        getattr(library, name).restype = ctypes.c_void_p
    return library


class Authority:
    """Its certificates and key, and its answers. `kind` of the signing key: rsa or ec."""

    def __init__(
        self,
        *,
        kind: str = "rsa",
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING,
        days: tuple[int, int] = (-1, 365),
        name: str = "Test",
    ) -> None:
        root_key, key = _new_key("rsa"), _new_key(kind)
        self.root = _certify(f"{name} root", root_key, f"{name} root", root_key, days, None)
        self.certificate = _certify(f"{name} TSA", key, f"{name} root", root_key, days, purpose)
        self._pem = self.certificate.public_bytes(Encoding.PEM)
        self._chain = self.root.public_bytes(Encoding.PEM)
        self._key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._library = load_openssl()
        self._serial = 0
        self._next = _SERIAL(self._next_serial)

    @property
    def root_der(self) -> bytes:
        return self.root.public_bytes(Encoding.DER)

    def _next_serial(self, _context: int, _data: int) -> int:
        self._serial += 1
        number: int = self._library.ASN1_INTEGER_new()
        self._library.ASN1_INTEGER_set(ctypes.c_void_p(number), ctypes.c_long(self._serial))
        return number

    def answer(self, request: bytes) -> bytes:
        """The DER of the TimeStampResp to a DER TimeStampReq."""
        lib, ptr = self._library, ctypes.c_void_p
        certificate = ptr(lib.PEM_read_bio_X509(self._bio(self._pem), None, None, None))
        root = ptr(lib.PEM_read_bio_X509(self._bio(self._chain), None, None, None))
        key = ptr(lib.PEM_read_bio_PrivateKey(self._bio(self._key), None, None, None))
        context = ptr(lib.TS_RESP_CTX_new())
        lib.TS_RESP_CTX_set_serial_cb(context, self._next, None)
        chain = ptr(lib.OPENSSL_sk_new_null())
        lib.OPENSSL_sk_push(chain, root)
        steps = [
            lib.TS_RESP_CTX_set_signer_cert(context, certificate),
            lib.TS_RESP_CTX_set_signer_key(context, key),
            lib.TS_RESP_CTX_set_certs(context, chain),
            lib.TS_RESP_CTX_set_def_policy(context, ptr(lib.OBJ_txt2obj(_POLICY, 0))),
        ]
        for digest in (b"sha256", b"sha512"):
            known = ptr(lib.EVP_get_digestbyname(digest))
            steps.append(lib.TS_RESP_CTX_add_md(context, known))
        steps.append(
            lib.TS_RESP_CTX_set_signer_digest(context, ptr(lib.EVP_get_digestbyname(b"sha256")))
        )
        assert all(step == 1 for step in steps), steps
        response = ptr(lib.TS_RESP_create_response(context, self._bio(request)))
        out = ptr(lib.BIO_new(ptr(lib.BIO_s_mem())))
        assert lib.i2d_TS_RESP_bio(out, response) == 1
        buffer = ctypes.create_string_buffer(1 << 16)
        count = lib.BIO_read(out, buffer, len(buffer))
        return buffer.raw[:count]

    def _bio(self, data: bytes) -> ctypes.c_void_p:
        return ctypes.c_void_p(self._library.BIO_new_mem_buf(data, len(data)))

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The authority's address over HTTP (RFC 3161, 3.4)."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                data = authority.answer(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _new_key(kind: str) -> Any:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certify(
    subject: str,
    key: Any,
    issuer: str,
    issuer_key: Any,
    days: tuple[int, int],
    purpose: x509.ObjectIdentifier | None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=purpose is None, path_length=None), critical=True)
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())
