"""Settings: from the environment, then the data folder's file, then the defaults."""

from pathlib import Path

import pytest

from parvis.errors import ConfigurationFaults
from parvis.settings import create_root_key, load_settings, read_root_key


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("# demo\nPARVIS_WORKERS=3\nPARVIS_THREADS=9\n")
    settings = load_settings({"PARVIS_DATA_DIR": str(tmp_path), "PARVIS_WORKERS": "5"})
    assert (settings.workers, settings.threads, settings.log_level) == (5, 9, "INFO")
    assert settings.database_url == f"sqlite:///{tmp_path / 'parvis.db'}"


def test_all_wrong_values_are_named_in_one_message_and_not_repeated(tmp_path: Path) -> None:
    given = {
        "PARVIS_DATA_DIR": str(tmp_path),
        "PARVIS_WORKERS": "secret-words",
        "PARVIS_LOG_LEVEL": "LOUD-SECRET",
    }
    with pytest.raises(ConfigurationFaults) as refused:
        load_settings(given)
    keys = {fault.key for fault in refused.value.faults}
    assert keys == {"PARVIS_WORKERS", "PARVIS_LOG_LEVEL"}
    assert "secret" not in refused.value.message.lower()


@pytest.mark.parametrize("line", ["PARVIS_WORKRES=3", "no equals sign"])
def test_a_line_that_means_nothing_stops_the_start(tmp_path: Path, line: str) -> None:
    (tmp_path / "settings.env").write_text(f"PARVIS_WORKERS=3\n{line}\n")
    with pytest.raises(ConfigurationFaults):
        load_settings({"PARVIS_DATA_DIR": str(tmp_path)})
    (tmp_path / "settings.env").write_text("PARVIS_WORKERS=3\n")
    assert load_settings({"PARVIS_DATA_DIR": str(tmp_path)}).workers == 3


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", "host:port", "host:99999", "h:²"])
def test_a_listening_address_needs_host_and_port(tmp_path: Path, listen: str) -> None:
    with pytest.raises(ConfigurationFaults):
        load_settings({"PARVIS_DATA_DIR": str(tmp_path), "PARVIS_LISTEN": listen})


def test_the_root_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    settings = load_settings({"PARVIS_DATA_DIR": str(tmp_path)})
    with pytest.raises(ConfigurationFaults, match="missing"):
        read_root_key(settings)
    assert create_root_key(settings)
    assert not create_root_key(settings)
    assert len(read_root_key(settings)) == 32


def test_a_root_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    settings = load_settings({"PARVIS_DATA_DIR": str(tmp_path)})
    create_root_key(settings)
    read_root_key(settings)
    assert settings.secret_key_file is not None
    settings.secret_key_file.chmod(0o644)
    with pytest.raises(ConfigurationFaults, match="chmod 600"):
        read_root_key(settings)
