"""Agencies' files: what loads, and every fault with file, line and key in one message."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import yaml

from parvis.domain import LANGUAGES, Channel
from parvis.errors import ConfigurationFaults, Fault, NotFound
from parvis.inference import load_models
from parvis.privacy.entities import Label
from parvis.tenancy.registry import TenantRegistry, load_shares, load_tenants
from parvis.vocabulary import PersonalKind

TENANTS = Path(__file__).parents[2] / "tenants"
MODELS = load_models(TENANTS.parent / "deploy/models.yaml").models
MODELS_LINE = "{default: quote, en: demo-small, embedding: encoder, rerank: encoder-rerank}"


def load(directory: Path) -> TenantRegistry:
    return load_tenants(directory, models=MODELS, policies=("careful",))


def faults_of(directory: Path) -> tuple[Fault, ...]:
    with pytest.raises(ConfigurationFaults) as caught:
        load(directory)
    return caught.value.faults


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example agencies, free to be spoiled."""
    return Path(shutil.copytree(TENANTS, tmp_path / "tenants"))


def edit(folder: Path, old: str, new: str, file: str = "valbourg.yaml") -> int:
    """Replace the first `old`; the line where it stood."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_example_agencies_load() -> None:
    registry = load(TENANTS)
    assert set(registry.agencies) == {"valbourg", "emploi-mosel", "habitat"}
    for agency in registry.agencies.values():
        first = agency.assistants[0]
        assert set(first.channels) == {Channel.API, Channel.PORTAL}
        assert first.sources
        for source in agency.sources:
            assert registry.read_source(agency.slug, source).startswith("# ")


def test_records_may_be_kept_long_where_a_text_or_a_law_asks_for_it(folder: Path) -> None:
    edit(folder, "  audit_days: 365", "  audit_days: 1096\n  audit_text: court rules")
    assert load(folder).get_agency("valbourg").retention.audit_days == 1096
    edit(folder, "  audit_days: 1096", "  audit_days: 3650\n  audit_law: Archives Act, Art. 3")
    assert load(folder).get_agency("valbourg").retention.audit_days == 3650


def test_an_agency_says_how_much_disk_its_log_may_take(folder: Path) -> None:
    assert load(folder).shares == load_shares(folder) == {}
    line = edit(folder, "retention:", "audit:\n  disk_mb: 250\nretention:")
    assert load(folder).shares == load_shares(folder) == {"valbourg": 250 << 20}
    for wrong in ("9", "0.5", '"250"', "many"):
        edit(folder, "disk_mb: 250", f"disk_mb: {wrong}")
        (fault,) = faults_of(folder)
        where = ("tenants/valbourg.yaml", line + 1, "audit.disk_mb")
        assert (fault.file, fault.line, fault.key) == where
        with pytest.raises(ConfigurationFaults):
            load_shares(folder)
        edit(folder, f"disk_mb: {wrong}", "disk_mb: 250")


def test_the_ministry_works_on_a_higher_level_with_the_quoting_model_alone() -> None:
    registry = load(TENANTS)
    for assistant in registry.get_agency("habitat").assistants:
        assert assistant.data_level == 2
        assert set(assistant.models.values()) == {"quote"}


def test_an_assistant_answers_english_with_the_small_model_and_the_rest_by_quoting() -> None:
    found = load(TENANTS).find_assistant("valbourg", "valbourg-guichet")
    assert found is not None
    assert found.choose_model("en") == "demo-small"
    assert {found.choose_model(language) for language in ("fr", "de", "lb", None)} == {"quote"}


def test_an_assistant_of_another_agency_looks_like_a_missing_one() -> None:
    registry = load(TENANTS)
    assert registry.find_assistant("habitat", "habitat-lettres")
    assert registry.find_assistant("valbourg", "habitat-lettres") is None
    assert registry.find_assistant("nowhere", "habitat-lettres") is None
    with pytest.raises(NotFound):
        registry.get_agency("nowhere")


SPOILED: dict[str, tuple[Callable[[Path], int], str, str]] = {
    "unknown key": (
        lambda folder: edit(folder, "listed: true", "listed: true\ncolour: blue") + 1,
        "colour",
        "unknown key",
    ),
    "unknown key inside": (
        lambda folder: edit(folder, "  profile: default", "  profile: default\n  mask: no") + 1,
        "privacy.mask",
        "unknown key",
    ),
    "unknown profile": (
        lambda folder: edit(folder, "  profile: default", "  profile: hide"),
        "privacy.profile",
        "generalise",
    ),
    "unknown kind of personal data": (
        lambda folder: (
            edit(folder, "  profile: default", "  profile: mask\n  keep: [LOCATION, SHOE_SIZE]") + 1
        ),
        "privacy.keep[1]",
        "LOCATION",
    ),
    "kinds to keep where all is kept": (
        lambda folder: edit(folder, "  profile: default", "  profile: pass\n  keep: [EMAIL]") + 1,
        "privacy.keep",
        "`hide`",
    ),
    "kinds to hide where all is hidden": (
        lambda folder: edit(folder, "  profile: default", "  profile: mask\n  hide: [EMAIL]") + 1,
        "privacy.hide",
        "only `pass`",
    ),
    "unknown kind at an assistant": (
        lambda folder: (
            edit(
                folder,
                "    retention_days: 30\n",
                "    retention_days: 30\n    privacy: {profile: pass, hide: [IBAM]}\n",
            )
            + 1
        ),
        "assistants[0].privacy.hide[0]",
        "IBAN",
    ),
    "wrong type": (
        lambda folder: edit(folder, "  conversations_days: 30", '  conversations_days: "30"'),
        "retention.conversations_days",
        "integer",
    ),
    "a number for true": (
        lambda folder: edit(folder, "listed: true", "listed: 1"),
        "listed",
        "boolean",
    ),
    "a word that is not in the list": (
        lambda folder: edit(folder, "sector: municipality", "sector: circus"),
        "sector",
        "municipality",
    ),
    "records kept below the floor": (
        lambda folder: edit(folder, "  audit_days: 365", "  audit_days: 183"),
        "retention.audit_days",
        "184",
    ),
    "records kept longer than a year without a text": (
        lambda folder: edit(folder, "  audit_days: 365", "  audit_days: 367"),
        "retention.audit_days",
        "`audit_text`",
    ),
    "records kept longer than three years without a law": (
        lambda folder: edit(folder, "  audit_days: 365", "  audit_text: x\n  audit_days: 1097") + 1,
        "retention.audit_days",
        "`audit_law`",
    ),
    "missing key": (
        lambda folder: edit(folder, "country: lu\n", "") and 2,
        "country",
        "missing",
    ),
    "key twice": (
        lambda folder: edit(folder, "country: lu", "country: lu\ncountry: fr") + 1,
        "country",
        "twice",
    ),
    "missing translation": (
        lambda folder: edit(folder, '  lb: "Stad Valbuerg"\n', "") - 2 - 1,
        "name.lb",
        "translation is missing",
    ),
    "unknown model": (
        lambda folder: edit(folder, MODELS_LINE, "{default: big}"),
        "assistants[0].models.default",
        "no model `big`",
    ),
    "a model of another kind": (
        lambda folder: edit(folder, "embedding: encoder,", "embedding: quote,"),
        "assistants[0].models.embedding",
        "no model of kind embedding",
    ),
    "vectors in place of words": (
        lambda folder: edit(folder, MODELS_LINE, "{default: encoder}"),
        "assistants[0].models.default",
        "no model of kind chat",
    ),
    "no default model": (
        lambda folder: edit(folder, MODELS_LINE, "{en: demo-small}"),
        "assistants[0].models",
        "`default` is missing",
    ),
    "unknown source": (
        lambda folder: edit(folder, "      - accueil-fr\n", "      - horaires\n"),
        "assistants[0].sources[0]",
        "no source `horaires`",
    ),
    "unknown policy": (
        lambda folder: edit(folder, "listed: true", "listed: true\npolicies: [strict]") + 1,
        "policies[0]",
        "no policy `strict`",
    ),
    "missing source file": (
        lambda folder: edit(folder, "path: accueil-fr.md", "path: away.md"),
        "sources[0].path",
        "no file valbourg/away.md",
    ),
    "source path that climbs out": (
        lambda folder: edit(folder, "path: accueil-fr.md", "path: ../habitat/prime-fr.md"),
        "sources[0].path",
        "stays in the agency's folder",
    ),
    "absolute source path": (
        lambda folder: edit(folder, "path: accueil-fr.md", "path: /etc/motd.md"),
        "sources[0].path",
        "stays in the agency's folder",
    ),
    "address that is not https": (
        lambda folder: edit(folder, "url: https://www.valbourg.example/fr", "url: http://x/fr"),
        "sources[0].url",
        "match pattern",
    ),
    "source above the assistant's level": (
        lambda folder: edit(folder, "    level: 0", "    level: 1") and 176,
        "assistants[0].sources[0]",
        "needs data_level 1",
    ),
    "level that does not exist": (
        lambda folder: edit(folder, "    data_level: 0", "    data_level: 5"),
        "assistants[0].data_level",
        "Input should be",
    ),
    "retention longer than the agency's": (
        lambda folder: edit(folder, "    retention_days: 30", "    retention_days: 31"),
        "assistants[0].retention_days",
        "longer than the agency's",
    ),
    "assistant twice": (
        lambda folder: edit(folder, "  - id: valbourg-agents", "  - id: valbourg-guichet"),
        "assistants[1].id",
        "is taken in tenants/valbourg.yaml",
    ),
    "reserved realm": (
        lambda folder: edit(folder, "  realm: valbourg", "  realm: master"),
        "identity.realm",
        "administrators",
    ),
    "impossible date": (
        lambda folder: edit(folder, "valid_until: 2027-12-31", "valid_until: 2027-02-30"),
        "sources[0].valid_until",
        "day is out of range",
    ),
    "anchor": (
        lambda folder: edit(folder, "languages: [", "languages: &all ["),
        "languages",
        "anchors and aliases",
    ),
    "alias": (lambda folder: edit(folder, "country: lu", "country: *lu"), "country", "anchors"),
    "tag": (
        lambda folder: edit(folder, "country: lu", "country: !!python/name:os.system"),
        "country",
        "tags (!) are not allowed",
    ),
    "broken YAML": (
        lambda folder: edit(folder, "country: lu", "country: [lu") + 1,
        "",
        "expected ',' or ']'",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_file_is_refused_with_file_line_and_key(name: str, folder: Path) -> None:
    spoil, key, words = SPOILED[name]
    assert load(folder)
    line = spoil(folder)
    found = [fault for fault in faults_of(folder) if words in fault.message]
    assert [(fault.file, fault.key) for fault in found][:1] == [("tenants/valbourg.yaml", key)]
    if name not in {"missing translation", "source above the assistant's level"}:
        assert found[0].line == line


def test_every_fault_of_every_file_is_in_one_message(folder: Path) -> None:
    edit(folder, "country: lu", "country: mars")
    edit(folder, "listed: true", "listed: perhaps")
    edit(folder, "{default: quote}", "{default: away}", "habitat.yaml")
    edit(folder, "path: prime-fr.md", "path: gone.md", "habitat.yaml")
    edit(folder, "- id: emploi-guide", "- id: habitat-lettres", "emploi-mosel.yaml")
    found = {(fault.file, fault.key) for fault in faults_of(folder)}
    assert found >= {
        ("tenants/valbourg.yaml", "country"),
        ("tenants/valbourg.yaml", "listed"),
        ("tenants/habitat.yaml", "assistants[0].models.default"),
        ("tenants/habitat.yaml", "sources[0].path"),
        ("tenants/habitat.yaml", "assistants[1].id"),
    }


def test_a_file_with_a_wrong_key_and_type_tells_its_wrong_names_too(folder: Path) -> None:
    edit(folder, "slug: valbourg", "slug: habitat\nfrobnicate: 1")
    edit(folder, "listed: true", "listed: perhaps")
    edit(folder, MODELS_LINE, "{default: away, en: demo-small}")
    edit(folder, "- id: valbourg-brut", "- id: habitat-lettres")
    path = folder / "valbourg.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["policies"] = ["careless"]
    content["assistants"][0]["sources"][0] = "nowhere"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    told = {fault.key for fault in faults_of(folder) if fault.file == "tenants/valbourg.yaml"}
    assert told >= {
        *("slug", "frobnicate", "listed", "policies[0]"),
        *("assistants[0].models.default", "assistants[0].sources[0]"),
    }
    assert any(key.startswith("assistants[") and key.endswith("].id") for key in told)


def test_two_agencies_cannot_share_slug_realm_or_assistants(folder: Path) -> None:
    shutil.copy(folder / "valbourg.yaml", folder / "copy.yaml")
    told = {(fault.file, fault.key): fault.message for fault in faults_of(folder)}
    assert "is taken in" in told["tenants/valbourg.yaml", "slug"]
    assert "is taken in" in told["tenants/valbourg.yaml", "assistants[0].id"]
    assert "is taken in" in told["tenants/valbourg.yaml", "identity.realm"]
    assert told["tenants/copy.yaml", "slug"] == "the file must be named valbourg.yaml"


def test_agencies_share_a_realm_only_as_organizations(folder: Path) -> None:
    edit(folder, "realm: habitat", "realm: shared", "habitat.yaml")
    edit(folder, "realm: valbourg", "realm: shared")
    assert any("organization" in fault.message for fault in faults_of(folder))
    edit(folder, "realm: shared", "realm: shared\n  organization: habitat", "habitat.yaml")
    edit(folder, "realm: shared", "realm: shared\n  organization: valbourg")
    assert load(folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_an_assistant_is_needed_in_every_language(
    language: str, folder: Path
) -> None:
    path = folder / "valbourg.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for text in ("name", "description", "purpose"):
        del values["assistants"][0][text][language]
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    keys = {fault.key for fault in faults_of(folder)}
    assert {
        f"assistants[0].{text}.{language}" for text in ("name", "description", "purpose")
    } <= keys


def test_a_link_that_leads_out_of_the_folder_is_refused(folder: Path) -> None:
    file = folder / "valbourg" / "accueil-fr.md"
    file.unlink()
    file.symlink_to(folder / "habitat" / "prime-fr.md")
    assert [fault.message for fault in faults_of(folder)] == ["leads out of the agency's folder"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "not UTF-8"), (b"  \n", "empty"), (b"x" * 1_048_577, "larger")],
)
def test_a_source_that_cannot_be_read_is_refused(content: bytes, words: str, folder: Path) -> None:
    (folder / "valbourg" / "accueil-fr.md").write_bytes(content)
    assert words in faults_of(folder)[0].message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected keys and values"),
        (b"- a\n", "expected keys and values"),
        (b"\xff", "not UTF-8"),
        (b"a: \x07\n", "special characters"),
        (b"#" * 1_048_577, "larger"),
        (b"[" * 500, "nested deeper"),
        (b"? [a]\n: b\n", "plain word"),
        (b"a: 0x" + b"f" * 9000 + b"\n", "cannot be read"),
    ],
)
def test_a_file_that_is_no_agency_is_refused(content: bytes, words: str, folder: Path) -> None:
    (folder / "valbourg.yaml").write_bytes(content)
    assert any(words in fault.message for fault in faults_of(folder))


def test_a_file_whose_name_would_be_overlooked_is_a_fault(folder: Path) -> None:
    (folder / "valbourg.yaml").rename(folder / "valbourg.yml")
    assert [fault.file for fault in faults_of(folder)] == ["tenants/valbourg.yml"]


def test_a_folder_without_agencies_is_a_fault(tmp_path: Path) -> None:
    assert "no agency" in faults_of(tmp_path)[0].message
    assert "no such folder" in faults_of(tmp_path / "away")[0].message


def test_an_agency_may_name_every_kind_that_the_privacy_engine_finds_and_no_other() -> None:
    assert set(get_args(PersonalKind)) == {one.value for one in Label if one is not Label.LITERAL}


def test_an_assistant_s_profile_takes_the_place_of_its_agency_s(folder: Path) -> None:
    edit(folder, "  profile: default", "  profile: mask-only")
    line = "    retention_days: 30\n"
    edit(folder, line, line + "    privacy: {profile: generalise, keep: [EMAIL]}\n")
    agency = load(folder).get_agency("valbourg")
    first, second = (agency.get_hiding(one) for one in agency.assistants[:2])
    assert (first.profile, first.keep) == ("generalise", ("EMAIL",))
    assert (second.profile, second.keep) == ("mask-only", ())
