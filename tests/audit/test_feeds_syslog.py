"""Syslog over TLS to a listener that is real: frames, certificates, connections that are cut."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from parvis.audit import AuditLog
from parvis.audit.feed_outbox import Feeds
from parvis.audit.feeds import load_feeds
from tests.audit.houses import fill, fill_fast
from tests.audit.receivers import SyslogListener, write_feeds
from tests.audit.test_feeds_mapping import MESSAGE
from tests.fakes.certificates import make_certificate


def feed_to(log: AuditLog, folder: Path, port: int, **changes: Any) -> Feeds:
    receiver = {"host": "127.0.0.1", "port": port, "ca_file": "siem.pem"} | changes
    feed = {"kind": "syslog", "agencies": ["commune"], "batch": 40, "receiver": receiver}
    return Feeds(log, load_feeds(write_feeds(folder, feed)))


def positions(listener: SyslogListener) -> list[int]:
    found = []
    for message in listener.messages:
        assert MESSAGE.fullmatch(message), message
        assert b'tenant="commune"' in message
        found.append(int(message.partition(b' seq="')[2].partition(b'"')[0]))
    return found


def trouble(feeds: Feeds) -> str:
    (state,) = feeds.describe()
    return state.trouble[1] if state.trouble else ""


def test_every_record_arrives_in_frames_of_rfc_5425(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 60)
    with SyslogListener(*make_certificate(tmp_path, "siem")) as listener:
        feeds = feed_to(log, tmp_path, listener.port)
        feeds.run_round()
    assert positions(listener) == list(range(log.reader.get_head("commune").size))
    assert not listener.faults and listener.connections > 2
    assert not trouble(feeds)


def test_a_listener_with_a_wrong_certificate_gets_nothing(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 2)
    make_certificate(tmp_path, "siem")
    with SyslogListener(*make_certificate(tmp_path, "stranger")) as listener:
        feeds = feed_to(log, tmp_path, listener.port)
        feeds.run_round()
        assert not listener.messages and "certificate is not believed" in trouble(feeds)
        trusting = feed_to(log, tmp_path, listener.port, ca_file="stranger.pem")
        trusting.run_round()
        assert positions(listener) and not trouble(trusting)


def test_a_certificate_for_another_name_is_refused(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 1)
    with SyslogListener(*make_certificate(tmp_path, "siem")) as listener:
        feeds = feed_to(log, tmp_path, listener.port, host="localhost")
        feeds.run_round()
        assert not listener.messages and "certificate is not believed" in trouble(feeds)


def test_a_listener_that_asks_who_sends_gets_a_clients_certificate(
    log: AuditLog, tmp_path: Path
) -> None:
    fill(log, 2)
    client, _ = make_certificate(tmp_path, "client")
    server = make_certificate(tmp_path, "siem")
    with SyslogListener(*server, clients=client) as listener:
        nameless = feed_to(log, tmp_path, listener.port)
        nameless.run_round()
        assert not listener.messages and trouble(nameless)
        named = {"certificate_file": "client.pem", "key_file": "client.key"}
        feeds = feed_to(log, tmp_path, listener.port, **named)
        feeds.run_round()
        assert positions(listener) and not trouble(feeds)


def test_a_connection_that_is_cut_loses_nothing(log: AuditLog, tmp_path: Path) -> None:
    fill_fast(log, 300)
    cuts = (5_000, 1, 20_000)
    with SyslogListener(*make_certificate(tmp_path, "siem"), cut_after=cuts) as listener:
        for _ in cuts:
            feeds = feed_to(log, tmp_path, listener.port)
            feeds.run_round()
            assert trouble(feeds)
            assert feeds.describe()[0].sent == 0
        feeds = feed_to(log, tmp_path, listener.port)
        feeds.run_round()
    found, wanted = positions(listener), range(log.reader.get_head("commune").size)
    assert set(found) == set(wanted) and len(found) > len(wanted)
    assert not trouble(feeds)


def test_a_listener_without_a_goodbye_is_believed_only_where_that_was_said(
    log: AuditLog, tmp_path: Path
) -> None:
    fill(log, 2)
    pair = make_certificate(tmp_path, "siem")
    with SyslogListener(*pair, says_goodbye=False) as listener:
        strict = feed_to(log, tmp_path, listener.port)
        strict.run_round()
        assert strict.describe()[0].sent == 0 and "confirm" in trouble(strict)
        lenient = feed_to(log, tmp_path, listener.port, confirm="end")
        lenient.run_round()
        assert not lenient.describe()[0].waiting and not trouble(lenient)
    with SyslogListener(*pair, says_goodbye=False, cut_after=[300]) as listener:
        fill(log, 20)
        cut = feed_to(log, tmp_path, listener.port, confirm="end")
        cut.run_round()
        assert cut.describe()[0].waiting and trouble(cut)


def refuse_late(server: socket.socket, context: ssl.SSLContext) -> None:
    """Reads everything a client without certificate sends, then refuses it and ends in order."""
    plain, _ = server.accept()
    with plain:
        arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(arrived, leaving, server_side=True)
        arrived.write(plain.recv(65536))
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        plain.sendall(leaving.read())
        plain.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while data := plain.recv(65536):
                arrived.write(data)
        with contextlib.suppress(ssl.SSLError):
            tls.do_handshake()
        plain.sendall(leaving.read())
        plain.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("confirm", ["notify", "end"])
def test_a_refusal_that_comes_last_is_never_taken_for_a_goodbye(
    log: AuditLog, tmp_path: Path, confirm: str
) -> None:
    fill(log, 2)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path, "siem"))
    context.load_verify_locations(make_certificate(tmp_path, "client")[0])
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as server:
        listening = threading.Thread(target=refuse_late, args=(server, context), daemon=True)
        listening.start()
        feeds = feed_to(log, tmp_path, server.getsockname()[1], confirm=confirm)
        feeds.run_round()
        listening.join(20)
    assert feeds.describe()[0].sent == 0
    assert trouble(feeds) == "it does not take what is sent (SSLError)"
