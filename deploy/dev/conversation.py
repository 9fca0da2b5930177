"""Talks to the running demo from outside: a token, a question, what the tap heard."""

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TIMEOUT_S = 180
_PLACEHOLDER = re.compile(r"\[([A-Z_]+)_\d+[a-z]*_[a-z0-9]{4}\]")


class NoAnswer(Exception):
    """A request was refused or broke off: the message has status and body."""


@dataclass(frozen=True)
class Turn:
    """One answer: its text, how long it took (seconds), and what Parvis said beside it."""

    answer: str
    first_word_s: float
    whole_s: float
    receipt: str
    pii_action: str
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class Heard:
    """One exchange as the tap saw it: every text sent to the model, and what the model wrote."""

    number: int
    texts: tuple[str, ...]
    written: str

    @property
    def question(self) -> str:
        """The last message, as the model received it."""
        return self.texts[-1] if self.texts else ""

    @property
    def repeated(self) -> dict[str, str]:
        """Placeholders that were sent and that the model wrote again, with their kind."""
        sent = "\n".join(self.texts)
        found = _PLACEHOLDER.finditer(sent)
        return {match[0]: match[1] for match in found if match[0] in self.written}


def fetch_token(issuer: str, client: Mapping[str, str]) -> str:
    """A token of the agency's chatbot, by client credentials (RFC 6749, 4.4)."""
    form = {"grant_type": "client_credentials", **client}
    request = urllib.request.Request(  # noqa: S310 - the demo's own Keycloak
        f"{issuer}/protocol/openid-connect/token", data=urllib.parse.urlencode(form).encode()
    )
    with _open(request) as response:
        return str(json.load(response)["access_token"])


def ask(gateway: str, token: str, assistant: str, question: str) -> Turn:
    """Ask one question and stream the answer. Raises NoAnswer."""
    body = {
        "model": assistant,
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "temperature": 0,
        "max_tokens": 96,
    }
    request = urllib.request.Request(  # noqa: S310 - the demo's own gateway
        f"{gateway}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    started, first = time.monotonic(), 0.0
    words: list[str] = []
    extra: dict[str, Any] = {}
    with _open(request) as response:
        for event in _read_events(response):
            if "error" in event:
                raise NoAnswer(f"the stream ended with {json.dumps(event['error'])}")
            extra |= event.get("parvis") or {}
            for word in _contents(event):
                first = first or time.monotonic() - started
                words.append(word)
        return Turn(
            answer="".join(words),
            first_word_s=first,
            whole_s=time.monotonic() - started,
            receipt=response.headers.get("x-audit-receipt", ""),
            pii_action=response.headers.get("x-pii-action", ""),
            extra=extra,
        )


def fetch_heard(tap_url: str) -> list[Heard]:
    """Everything that the tap still remembers, oldest first."""
    with _open(urllib.request.Request(f"{tap_url}/tap/requests")) as response:  # noqa: S310
        return [_parse_heard(entry) for entry in json.load(response)]


def _parse_heard(entry: Mapping[str, Any]) -> Heard:
    try:
        body = json.loads(entry["body"])
        texts = [str(message.get("content") or "") for message in body.get("messages", [])]
    except (ValueError, AttributeError):
        texts = [entry["body"]]  # not the API's form: all of it counts as seen
    lines = entry["answer"].splitlines()
    words = [word for event in _parse_events(lines) for word in _contents(event)]
    return Heard(entry["number"], tuple(texts), "".join(words))


def _open(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            words = error.read().decode("utf-8", "replace").strip()
        raise NoAnswer(f"{request.full_url}: {error.code} {words}") from error
    except OSError as error:
        raise NoAnswer(f"{request.full_url}: {error}") from error


def _read_events(response: Any) -> Iterator[dict[str, Any]]:
    yield from _parse_events(line.decode("utf-8") for line in response)


def _parse_events(lines: Any) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: ") and line[6:].strip() != "[DONE]":
            try:
                yield json.loads(line[6:])
            except ValueError:
                return  # cut off where the tap's memory ends


def _contents(event: Mapping[str, Any]) -> Iterator[str]:
    for choice in event.get("choices") or []:
        if word := (choice.get("delta") or {}).get("content"):
            yield str(word)
