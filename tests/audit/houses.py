"""A log with real files and keys, chats in it, and exports of it."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import Actor, AuditLog, Draft, KeyRef, Receipt
from parvis.audit.cosignatures import format_cosigner_vkey
from parvis.audit.export import export_files, write_folder
from parvis.audit.writer import Writer
from parvis.keystore import KeyStore

ROOT_KEY = bytes(range(32))
INSTALLATION = "parvis.test"
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WITNESS = format_cosigner_vkey("witness.test/w", WITNESS_KEY.public_key().public_bytes_raw())
CIVIL_SERVANT = Actor("person", "8f2c-subject", ("civil-servant",), "", "portal")
CHATBOT = Actor("service", "bot-subject", ("chatbot",), "", "chatbot")


class House:
    """One installation's data folder, opened and closed as a process would."""

    def __init__(self, folder: Path, root: bytes = ROOT_KEY) -> None:
        self.folder = folder
        self.root = root
        self.audit_dir = folder / "audit"
        self.keystore = KeyStore(folder / "keys" / "keys.db", root)
        self._logs: list[AuditLog] = []

    def open(self, worker: str = "test", *, leads: bool = True, **options: Any) -> AuditLog:
        root = self.root if leads else None
        log = AuditLog(self.audit_dir, INSTALLATION, root, self.keystore, worker=worker, **options)
        self._logs.append(log)
        return log

    def close(self) -> None:
        for log in self._logs:
            log.close()
        self._logs.clear()

    def shut(self) -> None:
        self.close()
        self.keystore.close()


def start_chat(log: AuditLog, tenant: str = "commune", actor: Actor = CIVIL_SERVANT) -> Receipt:
    target = {"assistant": "commune-desk", "version": "1", "channel": "portal"}
    draft = Draft("chat.started", actor, target=target, use={"messages": 1, "bytes_in": 40})
    return log.append(tenant, draft, 10)


def finish_chat(log: AuditLog, started: Receipt, tenant: str = "commune") -> Receipt:
    draft = Draft(
        "chat.finished",
        CIVIL_SERVANT,
        re=started.id,
        model={"asked": "demo", "answered": "Smol LM/2", "digest": "sha256:ab"},
        use={"tokens_in": 12, "tokens_out": 7, "ms": 900, "finish": "stop"},
        privacy={"action": "masked", "counts": {"EMAIL": 1}, "detector": "1"},
        sealed={"prompt": b"my address is [EMAIL_1]", "answer": "très bien".encode()},
        seal_key=KeyRef("conversation", "c-1"),
    )
    return log.append(tenant, draft, 10)


def fill(log: AuditLog, chats: int, tenant: str = "commune") -> list[Receipt]:
    receipts = []
    for _ in range(chats):
        started = start_chat(log, tenant)
        receipts += [started, finish_chat(log, started, tenant)]
    return receipts


def fill_fast(log: AuditLog, count: int, tenant: str = "commune") -> list[Receipt]:
    waiting = [log.submit(tenant, Draft("auth.login", CIVIL_SERVANT)) for _ in range(count)]
    return [future.result(30) for future in waiting]


def wait_half_a_year(monkeypatch: pytest.MonkeyPatch, days: float = 185) -> None:
    """What prunes believes that so many days have passed; times of records stay true."""
    later = time.time_ns() // 1000 + int(days * 86_400_000_000)
    monkeypatch.setattr(Writer, "clock", staticmethod(lambda: later))


def allow_pruning(log: AuditLog, end: int, tenant: str = "commune") -> None:
    """The record without which a pruned log is a fault."""
    target = {"object": "records", "first": 0, "end": end}
    log.append(tenant, Draft("retention.pruned", outcome="success", target=target), 10)


def export(log: AuditLog, folder: Path, tenant: str = "commune", **period: object) -> Path:
    write_folder(export_files(log, tenant, **period), folder)
    return folder


def fresh_root() -> bytes:
    return os.urandom(32)
