"""Who may issue a time-stamp authority's certificate: an authority, as deep as it was allowed."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from parvis.audit import verify

KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority.test")])


def certify(
    *extensions: x509.ExtensionType, key: ec.EllipticCurvePrivateKey = KEY
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, hashes.SHA256())


def authority(depth: int | None, *, ca: bool = True) -> x509.BasicConstraints:
    return x509.BasicConstraints(ca=ca, path_length=depth)


def usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        **dict.fromkeys(
            (
                *("content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        ),
    )


@pytest.mark.parametrize("depth", [0, 1, None])
def test_an_authority_issues_as_deep_as_it_was_allowed_and_no_deeper(depth: int | None) -> None:
    issuer, issued = certify(authority(depth)), certify()
    most = 5 if depth is None else depth
    assert all(verify._is_issuer(issuer, issued, below) for below in range(most + 1))
    assert verify._is_issuer(issuer, issued, most + 1) is (depth is None)


def test_only_an_authority_whose_key_may_sign_certificates_issues_one() -> None:
    issued = certify()
    assert verify._is_issuer(certify(authority(None), usage(signs=True)), issued, 0)
    assert not verify._is_issuer(certify(authority(None), usage(signs=False)), issued, 0)
    assert not verify._is_issuer(certify(authority(None, ca=False)), issued, 0)
    assert not verify._is_issuer(certify(), issued, 0)
    assert not verify._is_issuer(certify(authority(None)), certify(key=OTHER), 0)
