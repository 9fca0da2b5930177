"""`make bench-latency`: what the gateway adds to an answer, paired with the same question direct.

The model server is a stub that costs almost nothing. Each question goes once straight to it and
once through the gateway, one after the other and both through the recording tap, so that the
difference is the gateway's: token, policy, masking, search, audit.
"""

import argparse
import http.client
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.bench import stub_model
from deploy.dev import walk
from deploy.dev.conversation import fetch_token
from deploy.dev.demo_process import DemoProcess
from deploy.dev.places import free_port
from deploy.dev.supervisor import Supervisor

SENTENCES = (
    "My name is {name} and I moved here last month. ",
    "You can reach me at {email} or on {phone}. ",
    "The fee may be taken from {iban}. ",
    "I have the old card, a photograph and the certificate of my new address with me. ",
    "The office told me to come on a Tuesday morning and to bring every paper in the original. ",
)
FIRST = ("Emma", "Luc", "Claire", "Jürgen", "Anouk", "Michel", "Sabine")
LAST = ("Schneider", "Muller", "Weber", "Hoffmann", "Kieffer", "Thill", "Dubois", "Reuter")


@dataclass(frozen=True)
class Sample:
    """One answer: seconds until its first word, and until its end."""

    first: float
    whole: float


class Asker:
    """One kept connection that asks for streamed answers."""

    def __init__(self, base: str, model: str, token: str) -> None:
        address = urlsplit(base)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=60
        )
        self._model = model
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def ask(self, text: str) -> Sample:
        """Ask and read to the end. Raises RuntimeError for any other answer than 200."""
        body = {"model": self._model, "messages": [{"role": "user", "content": text}]}
        content = json.dumps(body | {"stream": True}).encode()
        started = time.perf_counter()
        self._connection.request("POST", "/v1/chat/completions", content, self._headers)
        response = self._connection.getresponse()
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status}: {response.read()[:300]!r}")
        first = 0.0
        while line := response.readline():
            if not first and b'"content"' in line:
                first = time.perf_counter() - started
        return Sample(first, time.perf_counter() - started)


def build_text(chars: int, number: int) -> str:
    """A message of about so many characters with made-up personal data; no two are the same."""
    text = f"Letter {number}. "
    for turn in itertools.count(number):
        values = {
            "name": f"{FIRST[turn % len(FIRST)]} {LAST[turn % len(LAST)]}",
            "email": f"citizen{turn}@courrier.example",
            "phone": f"+352 621 {turn % 1000:03} 227",
            "iban": walk.IBAN,
        }
        text += SENTENCES[turn % len(SENTENCES)].format(**values)
        if len(text) >= chars:
            break
    return text[:chars]


def measure(direct: Asker, gateway: Asker, chars: int, count: int) -> list[tuple[Sample, Sample]]:
    """`count` pairs (direct, gateway) after five that are not counted."""
    pairs = []
    for number in range(count + 5):
        text = build_text(chars, 31 * number)
        pairs.append((direct.ask(text), gateway.ask(text)))
    return pairs[5:]


def show(chars: int, pairs: Sequence[tuple[Sample, Sample]]) -> None:
    """One line: medians and the 95th percentile of the added time, in milliseconds."""
    first = sorted(1000 * (through.first - direct.first) for direct, through in pairs)
    whole = sorted(1000 * (through.whole - direct.whole) for direct, through in pairs)
    high = int(0.95 * (len(pairs) - 1))
    print(
        f"{chars:>6} characters: added to the first word {statistics.median(first):6.1f} ms "
        f"(p95 {first[high]:6.1f}), to the whole answer {statistics.median(whole):6.1f} ms "
        f"(p95 {whole[high]:6.1f}), {len(pairs)} pairs"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a demo on the stub, measure, stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench.latency", description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=20)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="parvis-bench-") as folder:
        port = free_port()
        with Supervisor(Path(folder) / "stub") as supervisor:
            supervisor.start(stub_model.build_part(port, options.tokens))
            demo = DemoProcess.start(Path(folder) / "data", MODEL_URL=f"http://127.0.0.1:{port}")
            try:
                demo.await_words("Ctrl-C stops everything.")
                _measure_demo(demo, options.pairs)
            finally:
                demo.stop()
    return 0


def _measure_demo(demo: DemoProcess, pairs: int) -> None:
    told = demo.told
    agency = next(one for one in told["agencies"] if one["slug"] == walk.AGENCY)
    for chars in (200, 2000):
        token = fetch_token(agency["issuer"], agency["chatbot"])
        direct = Asker(demo.tap_url, stub_model.NAME, token)
        gateway = Asker(told["gateway"], walk.BARE_ASSISTANT, token)
        show(chars, measure(direct, gateway, chars, pairs))


if __name__ == "__main__":
    sys.exit(main())
