"""docs/tenants.md says what the code says."""

from pathlib import Path

from parvis.tenancy.describe import build_reference

PAGE = Path(__file__).parents[2] / "docs" / "tenants.md"


def test_the_page_about_the_agency_s_file_is_what_the_types_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index("## ") :] == build_reference()
