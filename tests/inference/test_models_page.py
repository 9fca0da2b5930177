"""docs/models.md says what the code takes."""

import json
import re

import pytest
import yaml
from pydantic import BaseModel

from parvis.inference import models
from tests.fakes.model_server import REPOSITORY

PAGE = (REPOSITORY / "docs/models.md").read_text(encoding="utf-8")
PARTS = [
    models._ServerPart,
    models._ModelPart,
    models.Queue,
    models.Probe,
    models.Provenance,
    models.LawfulnessCheck,
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_page_explains_every_field(part: type[BaseModel]) -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert set(part.model_fields) - named == set()


def test_page_names_the_defaults_of_the_code() -> None:
    for name, field in {**models.Queue.model_fields, **models.Probe.model_fields}.items():
        shown = f"`{field.default}`" if isinstance(field.default, str) else f"{field.default:g}"
        assert re.search(rf"`{name}` \({re.escape(shown)}[,)]", PAGE), name
    assert f"| `max_inflight` | {models._ServerPart.model_fields['max_inflight'].default} |" in PAGE


def test_page_names_the_hashes_of_the_committed_file() -> None:
    text = (REPOSITORY / "deploy/models.yaml").read_text(encoding="utf-8")
    for entry in yaml.safe_load(text)["models"].values():
        assert f"`{entry['digest']}`" in PAGE


def test_example_of_the_page_loads_once_its_digest_is_filled_in() -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    content = yaml.safe_load(example.group(1))
    content["models"]["site-chat"]["digest"] = "0" * 64
    content["models"]["site-chat"]["lawfulness_check"]["date"] = "2026-11-21"
    parsed = models._ModelsFile.model_validate_json(json.dumps(content))
    assert parsed.models["site-chat"].server == "gpu"
