"""Settings: facts of the deployment, from the environment or `<data dir>/settings.env`.

The only file that reads the environment. A secret is read from a file, never from a default.
Agency facts live in `tenants/`, permissions in `policies/`, models in `deploy/models.yaml`.
"""

import os
import stat
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from parvis.errors import ConfigurationFaults, Fault

PREFIX = "PARVIS_"
_SECRET_BYTES = 32
_TOKEN_CHARS = 16
_MAX_PORT, _PORT_DIGITS = 65_535, 5


class Settings(BaseModel):
    """Every setting; the environment name is `PARVIS_` + the field's name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path(".parvis"), description="Folder of everything this installation makes and keeps."
    )
    cache_dir: Path = Field(
        Path("~/.cache/parvis"), description="Folder of fetched parts: small models, Keycloak."
    )
    tenants_dir: Path = Field(Path("tenants"), description="Folder of the agencies' files.")
    policies_dir: Path = Field(Path("policies"), description="Folder of the policy rules.")
    models_file: Path = Field(
        Path("deploy/models.yaml"), description="Model servers and the models they carry."
    )
    database_url: str = Field(
        "",
        description="SQLAlchemy address of the database; empty: SQLite in the data folder. "
        "PostgreSQL: postgresql+psycopg://...",
    )
    listen: str = Field("127.0.0.1:8080", description="Address and port of the gateway.")
    metrics_listen: str = Field(
        "127.0.0.1:8084",
        description="Address and port of `/metrics` for Prometheus, never the gateway's own; "
        "`off`: none. Beyond loopback only with PARVIS_METRICS_TOKEN_FILE.",
    )
    metrics_token_file: Path | None = Field(
        None,
        description="File, mode 0600, with the bearer token that a reader of `/metrics` shows; "
        "empty: whoever reaches the address may read.",
    )
    public_url: str = Field(
        "", description="Address people type, without a path; empty: http:// and PARVIS_LISTEN."
    )
    installation: str = Field(
        "parvis.localhost",
        description="Domain name that starts the origin of every audit log; never change it.",
    )
    keycloak_url: str = Field(
        "http://127.0.0.1:8081", description="Base address of Keycloak, as tokens name it."
    )
    keycloak_ca_file: Path | None = Field(
        None, description="Certificate authorities for Keycloak's TLS; empty: the system's."
    )
    secret_key_file: Path | None = Field(
        None,
        description="File with 32 random bytes in hex, mode 0600: root of every key of this "
        "installation. Empty: secrets/root.key in the data folder (`parvis db upgrade` makes it).",
    )
    workers: int = Field(2, ge=1, le=256, description="Gateway processes.")
    threads: int = Field(
        64, ge=2, le=2000, description="Threads in each process: one for each open stream."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Log level.")
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="Largest request body (413).")
    max_text_chars: int = Field(
        200_000, ge=100, description="Most characters of text in one request (400)."
    )
    max_messages: int = Field(512, ge=1, description="Most messages in one request (400).")
    max_json_depth: int = Field(64, ge=8, le=200, description="Deepest JSON in one request (400).")
    unknown_fields: str = Field(
        "reject",
        pattern="^(reject|drop)$",
        description="Unknown top-level fields of a request: reject them by name, or drop them.",
    )
    token_skew_s: int = Field(
        30, ge=0, le=120, description="Seconds that Keycloak's clock may differ from ours."
    )
    keys_refetch_s: int = Field(
        60, ge=1, description="At most one refetch of a realm's keys in so many seconds."
    )
    session_minutes: int = Field(
        480, ge=5, le=1440, description="Longest portal session, in minutes."
    )
    session_idle_minutes: int = Field(
        30, ge=1, le=480, description="A portal session ends after so many minutes without use."
    )
    upstream_connect_s: float = Field(
        3.0, gt=0, description="Seconds to wait for a connection to a model server."
    )
    upstream_first_byte_s: float = Field(
        120.0, gt=0, description="Seconds to wait for a model's first word."
    )
    upstream_idle_s: float = Field(
        30.0, gt=0, description="Seconds of silence after which a model's stream has failed."
    )
    keys_backup_days: int = Field(
        30,
        ge=0,
        le=30,
        description="Days that a backup of the key store lives at most: an erasure is complete "
        "when the last backup with its keys is gone.",
    )
    anchors_file: Path | None = Field(
        None,
        description="Witnesses (with addresses), their quorum and time-stamp authorities, as a "
        "tlog-policy; empty: nobody outside vouches for the audit logs.",
    )
    anchor_interval_s: int = Field(
        60, ge=1, description="Seconds between two rounds that ask the witnesses."
    )
    tsa_url: str = Field(
        "", description="Address of a time-stamp authority (RFC 3161); empty: none is asked."
    )
    tsa_interval_s: int = Field(
        3600, ge=1, description="Seconds between two time stamps of one log."
    )
    heads_interval_s: int = Field(
        300, ge=1, description="Seconds between two records of the heads of all logs."
    )
    feeds_file: Path | None = Field(
        None,
        description="Receivers that the audit logs are fed to (OCSF, syslog over TLS); empty: "
        "none. Form: docs/audit-feeds.md.",
    )
    feed_interval_s: float = Field(
        5.0, gt=0, description="Seconds between two looks for records that wait for a receiver."
    )
    privacy_detection: str = Field(
        "careful",
        pattern="^(thorough|careful|light)$",
        description="How much of a text the name model reads: all of it (thorough), the sentences "
        "that rules and tagger leave in doubt (careful), fewer of them (light). What each misses "
        "and costs: docs/privacy.md.",
    )
    privacy_model: Path | None = Field(
        None,
        description="Folder of a name model that the site brings and that runs beside ours: ONNX "
        "token classification, or spaCy (docs/privacy.md).",
    )
    privacy_canary_s: float = Field(
        300.0,
        ge=1,
        le=3600,
        description="Each process tries the search for personal data on sentences of all languages "
        "every so many seconds; while one fails, requests are refused (503).",
    )
    audit_database_url: str = Field(
        "",
        description="Database of the audit logs, postgresql://...; empty: SQLite in the audit "
        "folder. One for each installation, never shared.",
    )
    audit_writer: Literal["own", "apart"] = Field(
        "own",
        description="Who runs the writer of the audit logs: `own`: the gateway starts it; `apart`: "
        "`parvis audit sequencer` as a service of its own, where alone the signing keys lie.",
    )
    audit_doors_dir: Path | None = Field(
        None,
        description="Folder of the sockets of a writer that is `apart` and another user; MUST "
        "exist, with this user as owner, the gateway's group, mode 0751. Empty: one user.",
    )
    audit_writer_user: str = Field(
        "", description="User (name or number) of the writer, where PARVIS_AUDIT_DOORS_DIR is set."
    )
    audit_gateway_user: str = Field(
        "", description="User (name or number) of the gateway: who may bring records there."
    )
    audit_operators_group: str = Field(
        "",
        description="Group (name or number) whose processes may change keys and logs there; the "
        "gateway's MUST NOT be in it.",
    )
    audit_agency_gb: float = Field(
        100.0, gt=0, description="Gigabytes of audit log after which an agency's chats stop (503)."
    )
    audit_heads_dir: Path | None = Field(
        None,
        description="Folder of the newest signed head of every audit log, on storage that is not "
        "restored with the logs; MUST exist. Empty: heads in the audit folder.",
    )
    audit_rotate_days: float = Field(
        90.0, gt=0, le=400, description="Days after which an audit log gets a new signing key."
    )
    audit_heartbeat_s: float = Field(
        300.0, gt=0, description="Seconds between two heartbeats of every audit log."
    )
    audit_wait_s: float = Field(
        2.0, gt=0, description="Seconds to wait for the audit log before refusing (503)."
    )

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        for name in ("data_dir", "cache_dir", "tenants_dir", "policies_dir", "models_file"):
            object.__setattr__(self, name, Path(getattr(self, name)).expanduser().absolute())
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'parvis.db'}")
        if urlsplit(self.database_url).scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
            raise ValueError("database_url: expected sqlite:///FILE or postgresql+psycopg://...")
        if self.secret_key_file is None:
            object.__setattr__(self, "secret_key_file", self.data_dir / "secrets" / "root.key")
        self._require_whole_apart()
        if find_address(self.listen) is None:
            raise ValueError("listen: expected ADDRESS:PORT, for example 127.0.0.1:8080")
        if self.metrics_listen != "off":
            self._check_metrics()
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://{self.listen}")
        for name in ("public_url", "keycloak_url"):
            url = urlsplit(getattr(self, name))
            if url.scheme not in {"http", "https"} or not url.netloc:
                raise ValueError(f"{name}: expected http://HOST or https://HOST")
            object.__setattr__(self, name, getattr(self, name).rstrip("/"))
        return self

    def _check_metrics(self) -> None:
        found = find_address(self.metrics_listen)
        if found is None:
            raise ValueError("metrics_listen: expected ADDRESS:PORT or off")
        if self.metrics_token_file is None and not is_loopback(found[0]):
            raise ValueError(
                "metrics_listen: an address beyond loopback needs PARVIS_METRICS_TOKEN_FILE"
            )

    def _require_whole_apart(self) -> None:
        """A writer of another user needs all of it: with a part, keys would seem to be hidden."""
        names = ("audit_writer_user", "audit_gateway_user", "audit_operators_group")
        for name in names:
            if bool(getattr(self, name)) != (self.audit_doors_dir is not None):
                raise ValueError(f"{name}: goes with PARVIS_AUDIT_DOORS_DIR: set all or none")
        if self.audit_doors_dir is None:
            return
        if self.audit_writer != "apart":
            raise ValueError("audit_writer: expected apart, since PARVIS_AUDIT_DOORS_DIR is set")
        if not self.audit_database_url:
            raise ValueError(
                "audit_database_url: a writer of another user needs PostgreSQL: with SQLite the "
                "gateway could write into the file of the logs"
            )

    @property
    def audit_dir(self) -> Path:
        """Folder of the audit logs, their keys and heads."""
        return self.data_dir / "audit"

    @property
    def keys_file(self) -> Path:
        """The store of wrapped data keys (`keystore.py`)."""
        return self.data_dir / "keys" / "keys.db"

    @property
    def models_dir(self) -> Path:
        """Folder of the small models that `make env` fetched."""
        return self.cache_dir / "models"

    @property
    def secure_cookies(self) -> bool:
        """True when people reach us by https: cookies then travel by https alone."""
        return self.public_url.startswith("https://")


def find_address(text: str) -> tuple[str, int] | None:
    """Host and port of ADDRESS:PORT, the host of IPv6 without its brackets; None for other text."""
    host, _, port = text.rpartition(":")
    digits = port.isascii() and port.isdecimal() and len(port) <= _PORT_DIGITS
    if not (host and digits and int(port) <= _MAX_PORT):
        return None
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_metrics_token(settings: Settings) -> str:
    """What a reader of `/metrics` shows; empty where no file is named. Raises ConfigurationFaults.

    At least 16 characters, none of them blank.
    """
    path, name = settings.metrics_token_file, env_name("metrics_token_file")
    if path is None:
        return ""
    try:
        others, token = path.stat().st_mode & 0o077, path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise ConfigurationFaults([Fault(str(path), 0, name, "cannot be read")]) from None
    if others:
        raise ConfigurationFaults([Fault(str(path), 0, name, "others may read it: chmod 600")])
    if len(token) < _TOKEN_CHARS or any(sign.isspace() for sign in token):
        words = f"expected one word of at least {_TOKEN_CHARS} characters"
        raise ConfigurationFaults([Fault(str(path), 0, name, words)])
    return token


def env_name(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines of `path`; nothing when there is no such file.

    Raises ConfigurationFaults for a line of another form.
    """
    if not path.is_file():
        return {}
    values = {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationFaults([Fault(str(path), 0, "", "not UTF-8")]) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise ConfigurationFaults([Fault(str(path), number, "", "expected NAME=value")])
        values[name.strip()] = value.strip()
    return values


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, then `<data dir>/settings.env`, then the defaults.

    Raises ConfigurationFaults that names every variable with a wrong value. Unknown `PARVIS_`
    names in settings.env are faults; in the environment they may belong to other programs
    (`PARVIS_MODEL_PORT` is the demo's).
    """
    given = os.environ if environ is None else environ
    fields = {env_name(name): name for name in Settings.model_fields}
    data_dir = Path(given.get("PARVIS_DATA_DIR", ".parvis")).expanduser()
    file = data_dir / "settings.env"
    stored = read_env_file(file)
    faults = [
        Fault(str(file), 0, name, "no such setting; remove the line")
        for name in stored
        if name not in fields
    ]
    merged = stored | {name: value for name, value in given.items() if name in fields and value}
    try:
        settings = Settings.model_validate(
            {fields[name]: value for name, value in merged.items() if name in fields}
        )
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            field, words = str(item["loc"][0]) if item["loc"] else "", item["msg"]
            if not field:
                # what `_resolve` says begins with the name of the setting
                field, _, words = words.removeprefix("Value error, ").partition(": ")
            faults.append(Fault("settings", 0, env_name(field), words))
        raise ConfigurationFaults(faults) from None
    if faults:
        raise ConfigurationFaults(faults)
    return settings


def read_root_key(settings: Settings) -> bytes:
    """The 32 bytes that every other key of this installation is derived from.

    Raises ConfigurationFaults when the file is missing, readable by others or not 64 hex digits.
    """
    path = settings.secret_key_file
    assert path is not None  # noqa: S101 - filled in by the validator
    name = env_name("secret_key_file")

    def fault(words: str) -> ConfigurationFaults:
        return ConfigurationFaults([Fault(str(path), 0, name, words)])

    if not path.is_file():
        raise fault("missing; `parvis db upgrade` makes one, or bring your own (32 bytes in hex)")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise fault("others may read it: chmod 600")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _SECRET_BYTES:
        raise fault("expected 64 hex digits (32 bytes)")
    return key


def create_root_key(settings: Settings) -> bool:
    """Make the root key file if there is none; True when it was made."""
    path = settings.secret_key_file
    assert path is not None  # noqa: S101 - filled in by the validator
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(os.urandom(_SECRET_BYTES).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return True
