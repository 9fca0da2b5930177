"""`parvis privacy explain` says what, why, which rule, and what stays readable."""

import io
import json
import re

import pytest

from parvis.cli import main
from parvis.privacy import PrivacyEngine, explain

TEXT = "D'Madame Weber, Matricule 1893120105732, bezilt 50 Euro no Artikel 6 DSGVO."


def test_every_finding_has_its_rule_and_its_reason(engine: PrivacyEngine) -> None:
    told = explain(engine, TEXT)
    shown = {reason.value: (reason.entity.source, reason.why) for reason in told.reasons}
    assert shown["Weber"][1] == "a title stands before it" or "believes it" in shown["Weber"][1]
    assert shown["1893120105732"] == ("lu_matricule", "its form and check digits are right")
    assert [TEXT[a:b] for a, b in told.readable] == ["50 Euro", "Artikel 6 DSGVO"]


def test_an_allowed_word_is_shown_as_readable(engine: PrivacyEngine) -> None:
    told = explain(engine, TEXT, allow=["Weber"])
    assert "Weber" not in {reason.value for reason in told.reasons}
    assert "Weber" in {TEXT[a:b] for a, b in told.readable}


def test_the_command_prints_lines_or_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["privacy", "explain", TEXT]) == 0
    assert "rule lu_matricule: its form and check digits are right" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))
    assert main(["privacy", "explain", "-", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [found["label"] for found in told["masked"]] == ["PERSON", "NATIONAL_ID"]
    assert {kept["value"] for kept in told["readable"]} == {"50 Euro", "Artikel 6 DSGVO"}


def test_a_text_without_personal_data_is_said_to_have_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["privacy", "explain", "Wéi spéit ass et?"]) == 0
    assert capsys.readouterr().out == "nothing is masked\n"


def test_the_command_shows_what_a_model_would_get_under_a_profile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "Mme Weber, née le 12.03.1980"
    assert main(["privacy", "explain", said, "--profile", "generalise"]) == 0
    assert re.search(
        r"\nsent      Mme \[PERSON_1_\w+\], née le \[DATE_OF_BIRTH_1_\w+\] \(age \d\d-\d\d\)\n",
        capsys.readouterr().out,
    )
    assert main(["privacy", "explain", said, "--profile", "block", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["profile"], told["sent"]) == ("block", None)
