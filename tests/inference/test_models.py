"""deploy/models.yaml: what loads, what is refused, and how faults are named."""

from pathlib import Path

import pytest
import yaml

from parvis.domain import DataLevel
from parvis.errors import ConfigurationFaults
from parvis.inference import load_models

REPOSITORY = Path(__file__).resolve().parents[2]
COMMITTED = REPOSITORY / "deploy/models.yaml"


def write(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The committed file with some words replaced, each of which must be there."""
    text = COMMITTED.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigurationFaults) as caught:
        load_models(path)
    assert all(fault.file == str(path) for fault in caught.value.faults)
    return [(fault.line, fault.key, fault.message) for fault in caught.value.faults]


def test_operator_loads_the_committed_file_and_gets_server_and_models() -> None:
    catalogue = load_models(COMMITTED)
    small, quote = catalogue.models["demo-small"], catalogue.models["quote"]
    assert (small.server, small.builtin, small.served_name) == ("demo", None, "demo-small")
    assert (quote.server, quote.builtin) == (None, "quote")
    assert small.clearance is DataLevel.PERSONAL
    assert small.verify_numbers and small.provenance_ok and small.lawfulness_check
    assert small.egress == "on-site"
    assert small.languages == ("en",)
    assert catalogue.servers["demo"].busy_status == {429, 503, 529}


def test_operator_gives_relative_file_names_and_they_count_from_the_models_file(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, ("../.parvis/secrets/model.key", "keys/model.key"))
    assert load_models(path).servers["demo"].api_key_file == tmp_path / "keys/model.key"


def test_operator_makes_several_faults_and_reads_all_of_them_with_line_and_key(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path,
        ("max_inflight: 4 ", "max_in_flight: 4 "),
        ("clearance: 2", "clearance: high"),
        ("    licence: Apache-2.0\n", ""),
    )
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {key: (line, message) for line, key, message in faults_of(path)}
    assert set(found) == {
        "servers.demo.max_in_flight",
        "models.quote.clearance",
        "models.quote.licence",
    }
    assert "max_in_flight" in lines[found["servers.demo.max_in_flight"][0] - 1]
    assert "clearance: high" in lines[found["models.quote.clearance"][0] - 1]
    assert lines[found["models.quote.licence"][0] - 1].strip() == "quote:"
    assert found["models.quote.licence"][1] == "missing"


def test_operator_names_an_unknown_server_and_is_told_where(tmp_path: Path) -> None:
    path = write(tmp_path, ("server: demo\n", "server: gpu\n"))
    [(line, key, message)] = faults_of(path)
    assert path.read_text(encoding="utf-8").splitlines()[line - 1].strip() == "server: gpu"
    assert (key, message) == ("models.demo-small.server", "no such server under `servers`")


def test_operator_writes_a_key_twice_and_is_told_where(tmp_path: Path) -> None:
    path = write(tmp_path, ("    egress: on-site\n", "    egress: on-site\n    egress: on-site\n"))
    assert [(key, words) for _, key, words in faults_of(path)] == [
        ("servers.demo.egress", "this key stands twice")
    ]


@pytest.mark.parametrize("text", ["servers: [", "a: b: c", "\tx: 1"])
def test_operator_breaks_the_yaml_and_is_told_the_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    [(line, _, message)] = faults_of(path)
    assert line >= 1
    assert message


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"models: {}\n", b"\xff\xfe", b"models:\n"])
def test_operator_gives_a_file_without_models_and_it_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(content)
    assert faults_of(path)


def test_operator_names_a_missing_file_and_it_is_said(tmp_path: Path) -> None:
    words = "cannot be read: No such file or directory"
    assert faults_of(tmp_path / "none.yaml") == [(0, "", words)]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8082/v1",
        "http://[::1]:8082/v1",
        "http://localhost/v1",
        "https://10.20.30.40/v1",
        "https://192.168.1.5:8443/v1",
        "https://[fd00::5]/v1",
        "https://gpu.models.internal/v1",
    ],
)
def test_operator_gives_an_address_of_the_site_and_it_loads(tmp_path: Path, url: str) -> None:
    path = write(tmp_path, ("http://127.0.0.1:8082/v1", url))
    assert load_models(path).servers["demo"].base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://8.8.8.8/v1",
        "https://[2001:4860:4860::8888]/v1",
        "https://[::ffff:8.8.8.8]/v1",
        "http://169.254.169.254/v1",
        "https://0.0.0.0/v1",
        "http://10.20.30.40/v1",
        "http://gpu.models.internal/v1",
        "https://user:pw@10.0.0.1/v1",
        "https://10.0.0.1/v1?key=1",
        "https://10.0.0.1:99999/v1",
        "ftp://10.0.0.1/v1",
        "10.0.0.1:8082",
        "https:///v1",
        "https://bad host/v1",
    ],
)
def test_operator_gives_an_address_off_the_site_and_it_is_refused(tmp_path: Path, url: str) -> None:
    path = write(tmp_path, ("base_url: http://127.0.0.1:8082/v1", f"base_url: '{url}'"))
    [(_, key, _)] = faults_of(path)
    assert key == "servers.demo"


def test_operator_owns_public_addresses_and_names_the_range(tmp_path: Path) -> None:
    ours = ("egress: on-site", "egress: on-site\n    networks: [198.51.100.0/24]")
    path = write(tmp_path, ("http://127.0.0.1:8082/v1", "https://198.51.100.7/v1"), ours)
    assert load_models(path).servers["demo"].base_url == "https://198.51.100.7/v1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("egress: on-site", "egress: cloud"),
        ("    egress: on-site\n", ""),
        ("builtin: quote", "builtin: oracle"),
        ("builtin: quote", "builtin: quote\n    server: demo"),
        ("    builtin: quote\n", ""),
        ("clearance: 2", "clearance: 5"),
        ("clearance: 2", "clearance: true"),
        ("b8b05b01", "B8b05b01"),
        ("languages: [fr, de, lb, en]", "languages: [fr, it]"),
        ("watermark_hook: false", 'watermark_hook: "no"'),
        ("result: passed", "result: maybe"),
        ("date: 2026-11-21", "date: last year"),
        ("path: /health", "path: http://elsewhere/health"),
        ("busy_status: [429, 503, 529]", "busy_status: [200]"),
        ("    max_inflight: 4", "    metrics: {path: metrics}\n    max_inflight: 4"),
        ("    max_inflight: 4", '    metrics: {counter: "a b"}\n    max_inflight: 4'),
    ],
)
def test_operator_gives_a_wrong_value_and_it_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert len(faults_of(write(tmp_path, (old, new)))) == 1


def test_check_finds_the_key_file_missing_then_empty_then_there(tmp_path: Path) -> None:
    catalogue = load_models(write(tmp_path, ("../.parvis/secrets/model.key", "model.key")))
    with pytest.raises(ConfigurationFaults, match="No such file"):
        catalogue.check_files()
    (tmp_path / "model.key").write_text("\n")
    with pytest.raises(ConfigurationFaults, match="empty"):
        catalogue.check_files()
    (tmp_path / "model.key").write_text("secret\n")
    catalogue.check_files()


def test_committed_file_holds_no_secret_and_no_unknown_top_level_key() -> None:
    content = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    assert set(content) == {"servers", "models"}
    assert "api_key" not in content["servers"]["demo"]
