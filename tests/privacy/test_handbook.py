"""The handbook names every kind and every number that the code knows."""

from pathlib import Path

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.number import IDENTIFIERS, LETTERED

PAGE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")


def test_the_handbook_names_every_kind() -> None:
    assert [label.value for label in Label if label.value not in PAGE] == []


def test_the_handbook_names_exactly_the_numbers_that_are_checked() -> None:
    listed = PAGE.split("(name of the rule in findings):")[1].split(". Where")[0]
    names = {name.strip() for name in listed.replace("\n", " ").split(",")}
    assert names == {known.name for known in (*IDENTIFIERS, *LETTERED)}
