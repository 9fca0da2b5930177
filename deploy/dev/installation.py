"""What the demo's data folder holds before anything starts: settings, model list, secrets.

Values come from the `PARVIS_` environment; what they are is decided here, once, and written so that
every `parvis` command that is given PARVIS_DATA_DIR alone finds the same installation.
"""

import json
import os
import secrets
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploy.dev import places, witness
from parvis.errors import ConfigurationFaults
from parvis.inference.models import LOOPBACK, PRIVATE, is_on_site
from parvis.settings import Settings, env_name, load_settings

_DEMO_SERVER = "demo"
_DEMO_MODEL = "demo-small"
_OTHER_CONTEXT = 4096


class NotAllowed(Exception):
    """The demo refuses what it was asked for; the message says what and why."""


@dataclass(frozen=True)
class Installation:
    """Folders, addresses and ports of one demo; all of them on loopback."""

    data_dir: Path
    listen: str
    gateway_url: str
    keycloak_url: str
    keycloak_port: int | None  # None: a Keycloak that runs already
    model_url: str
    model_port: int | None  # None: a model server that runs already
    tap_port: int
    model_name: str
    witness_port: int | None  # None: PARVIS_ANCHORS_FILE names the witnesses to ask

    @property
    def tap_url(self) -> str:
        """Address of the recording relay: what the gateway takes for the model server."""
        return f"http://127.0.0.1:{self.tap_port}"

    @property
    def secrets_dir(self) -> Path:
        """Folder of files that only their owner may read."""
        return self.data_dir / "secrets"

    @property
    def witness_dir(self) -> Path:
        """Folder of the demo's own witness: its key, what it signed, the auditor's policy."""
        return self.data_dir / "witness"

    @property
    def model_key_file(self) -> Path:
        """File with the model server's key."""
        return self.secrets_dir / "model.key"

    @property
    def listed_ports(self) -> dict[str, tuple[str, int]]:
        """Ports to be free, by the setting that changes each."""
        ports = {"PARVIS_LISTEN": ("gateway", int(self.listen.rpartition(":")[2]))}
        if self.keycloak_port is not None:
            ports["PARVIS_KEYCLOAK_PORT"] = ("Keycloak", self.keycloak_port)
        if self.model_port is not None:
            ports["PARVIS_MODEL_PORT"] = ("model server", self.model_port)
        ports["PARVIS_TAP_PORT"] = ("recording tap", self.tap_port)
        return ports


def plan_installation(environ: Mapping[str, str]) -> Installation:
    """The demo that `environ` asks for. Raises NotAllowed."""
    listen = environ.get("PARVIS_LISTEN") or "127.0.0.1:8080"
    check_loopback(listen)
    keycloak_url = environ.get("PARVIS_KEYCLOAK_URL", "").rstrip("/")
    model_url = environ.get("PARVIS_MODEL_URL", "").rstrip("/").removesuffix("/v1")
    keycloak_port = None if keycloak_url else _port(environ, "PARVIS_KEYCLOAK_PORT", 8081)
    model_port = None if model_url else _port(environ, "PARVIS_MODEL_PORT", 8082)
    if model_url:
        check_on_site(model_url)
    return Installation(
        data_dir=Path(environ.get("PARVIS_DATA_DIR") or ".parvis").expanduser().absolute(),
        listen=listen,
        gateway_url=environ.get("PARVIS_PUBLIC_URL", "").rstrip("/") or f"http://{listen}",
        keycloak_url=keycloak_url or f"http://127.0.0.1:{keycloak_port}",
        keycloak_port=keycloak_port,
        model_url=model_url or f"http://127.0.0.1:{model_port}",
        model_port=model_port,
        tap_port=_port(environ, "PARVIS_TAP_PORT", 8083),
        model_name=environ.get("PARVIS_MODEL_NAME", ""),
        witness_port=None if environ.get("PARVIS_ANCHORS_FILE") else places.free_port(),
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 2**16:
        raise NotAllowed(f"{name}: expected a port number, got {text!r}")
    return int(text)


def check_loopback(listen: str) -> None:
    """Raise NotAllowed unless `listen` is an ADDRESS:PORT that only this machine reaches."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit():
        raise NotAllowed("PARVIS_LISTEN: expected ADDRESS:PORT, for example 127.0.0.1:8080")
    try:
        on_loopback = ip_address(host.strip("[]")).is_loopback
    except ValueError:
        on_loopback = host == "localhost"
    if not on_loopback:
        raise NotAllowed(
            f"PARVIS_LISTEN={listen}: the demo has example accounts and keeps Keycloak in "
            "development mode, so it listens on loopback alone. docs/operate.md says how a site "
            "runs Parvis."
        )


def check_on_site(url: str) -> None:
    """Raise NotAllowed unless every address behind `url` is on loopback or a private network."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotAllowed("PARVIS_MODEL_URL: expected http://HOST[:PORT] or https://HOST[:PORT]")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotAllowed(f"PARVIS_MODEL_URL: {parts.hostname} has no address") from error
    if not all(is_on_site(str(entry[4][0]), (*LOOPBACK, *PRIVATE)) for entry in found):
        raise NotAllowed("PARVIS_MODEL_URL: models stay on site; this address is elsewhere")


def write_installation(plan: Installation, environ: Mapping[str, str]) -> Settings:
    """Write settings, models.yaml and the keys of model and witness; what settings came of it."""
    for folder in (plan.data_dir, plan.secrets_dir):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_model_key(plan, environ)
    write_private(plan.data_dir / "models.yaml", _models_file(plan, environ))
    if plan.witness_port is not None:
        vkey = witness.ensure_witness(plan.witness_dir)
        anchors = witness.format_anchors(vkey, plan.witness_port)
        write_private(plan.data_dir / "anchors.policy", anchors)
    write_private(plan.data_dir / "settings.env", _settings_file(plan, environ))
    try:
        return load_settings({"PARVIS_DATA_DIR": str(plan.data_dir)})
    except ConfigurationFaults as faults:
        raise NotAllowed(faults.message) from faults


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _settings_file(plan: Installation, environ: Mapping[str, str]) -> str:
    names = {env_name(field) for field in Settings.model_fields} - {"PARVIS_DATA_DIR"}
    values = {name: environ[name] for name in sorted(names) if environ.get(name)}
    root = places.REPOSITORY
    values |= {
        "PARVIS_LISTEN": plan.listen,
        "PARVIS_PUBLIC_URL": plan.gateway_url,
        "PARVIS_KEYCLOAK_URL": plan.keycloak_url,
        "PARVIS_MODELS_FILE": str(plan.data_dir / "models.yaml"),
        "PARVIS_CACHE_DIR": str(places.cache_dir()),
        "PARVIS_TENANTS_DIR": _folder(environ, "PARVIS_TENANTS_DIR", root / "tenants"),
        "PARVIS_POLICIES_DIR": _folder(environ, "PARVIS_POLICIES_DIR", root / "policies"),
    }
    if plan.witness_port is not None:
        values["PARVIS_ANCHORS_FILE"] = str(plan.data_dir / "anchors.policy")
    lines = [f"{name}={value}\n" for name, value in sorted(values.items())]
    return "# written by the demo at every start\n" + "".join(lines)


def _folder(environ: Mapping[str, str], name: str, default: Path) -> str:
    return str(Path(environ.get(name) or default).expanduser().absolute())


def _write_model_key(plan: Installation, environ: Mapping[str, str]) -> None:
    given = environ.get("PARVIS_MODEL_KEY_FILE", "")
    if given:
        text = Path(given).expanduser().read_text(encoding="ascii").strip()
        write_private(plan.model_key_file, text + "\n")
    elif not plan.model_key_file.is_file():
        write_private(plan.model_key_file, secrets.token_urlsafe(32) + "\n")


def _models_file(plan: Installation, environ: Mapping[str, str]) -> str:
    source = Path(environ.get("PARVIS_MODELS_FILE") or places.REPOSITORY / "deploy/models.yaml")
    content: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    server = content["servers"][_DEMO_SERVER]
    server |= {"base_url": f"{plan.tap_url}/v1", "api_key_file": str(plan.model_key_file)}
    model = content["models"][_DEMO_MODEL]
    if plan.model_port is None:
        server.pop("probe", None)  # only llama.cpp's server is known to answer /health
        model |= _another_model(plan.model_name or _first_model(plan), plan.model_url, "0" * 64)
        model["context"] = _OTHER_CONTEXT
    elif given := environ.get("PARVIS_MODEL_FILE", ""):
        model |= _another_model(_DEMO_MODEL, given, places.sha256_of(Path(given).expanduser()))
    head = "# written by the demo at every start, from deploy/models.yaml: its ports, its key\n"
    return head + yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _another_model(name: str, place: str, digest: str) -> dict[str, Any]:
    who = "named by the person who started the demo"
    return {
        "served_name": name,
        "provenance": {"supplier": who, "origin": place[-400:], "obtained": who},
        "licence": "not known to the demo",
        "digest": digest,  # zeros: a server that runs already does not show its weights
        "languages": ["fr", "de", "lb", "en"],
    }


def _first_model(plan: Installation) -> str:
    key = plan.model_key_file.read_text(encoding="ascii").strip()
    request = urllib.request.Request(  # noqa: S310 - check_on_site looked at it
        f"{plan.model_url}/v1/models", headers={"authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return str(json.load(response)["data"][0]["id"])
    except (OSError, ValueError, LookupError) as error:
        raise NotAllowed(
            f"PARVIS_MODEL_URL: {plan.model_url}/v1/models names no model "
            f"({type(error).__name__}); set PARVIS_MODEL_NAME and, where the server wants a key, "
            "PARVIS_MODEL_KEY_FILE"
        ) from error
