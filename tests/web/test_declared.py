"""What the files declare is told to the logs once, and again when it changes."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from parvis.audit import AuditLog, Receipt
from parvis.audit.events import PLATFORM
from parvis.audit.reader import AuditReader
from parvis.declared import build_declared_thread, tell_changes
from parvis.errors import AuditUnavailable
from parvis.services import Services
from tests.fakes.installation import REPOSITORY, Installation

KINDS = ("policy.published", "model.changed", "admin.changed")
DIGESTS = """
import sys
import time
from dataclasses import asdict
from pathlib import Path
from parvis.declared import digest
from parvis.inference import load_models
from parvis.policy.rules import list_agency_rules
from parvis.tenancy.registry import load_tenants

top = Path(sys.argv[1])
models = load_models(top / "deploy" / "models.yaml").models
policies = list_agency_rules(top / "policies")
agencies = load_tenants(top / "tenants", models=models, policies=policies).agencies
print([digest(asdict(one)) for one in models.values()])
print([digest(one.model_dump()) for one in agencies.values()])
"""


def list_told(gateway: Installation, tenant_id: str = "valbourg") -> list[dict[str, Any]]:
    reader: AuditReader = gateway.services.audit.reader
    found = reader.list_records(tenant_id, kinds=KINDS)
    return [dict(record.data) for record in found][::-1]


def with_agency(services: Services, **changed: Any) -> Services:
    registry = services.tenants
    agency = registry.get_agency("valbourg").model_copy(update=changed)
    agencies = {**registry.agencies, "valbourg": agency}
    return replace(services, tenants=type(registry)(registry.directory, agencies))


def test_what_the_files_declare_is_told_once(gateway: Installation) -> None:
    for _ in range(2):
        assert tell_changes(gateway.services)
        assert build_declared_thread(gateway.services) is None
    rules = gateway.services.rules["valbourg"].digest
    file, policy = list_told(gateway)
    assert (file["kind"], file["target"]["object"]) == ("admin.changed", "agency-file")
    assert (policy["kind"], policy["policy"]["digest"]) == ("policy.published", rules)
    assert policy["change"] == {"after": rules} and policy["actor"] == {"type": "system"}
    models = {one["model"]["asked"]: one["model"]["digest"] for one in list_told(gateway, PLATFORM)}
    assert models == {name: one.digest for name, one in gateway.services.models.models.items()}


def test_a_changed_file_is_told_with_the_digests_before_and_after(gateway: Installation) -> None:
    tell_changes(gateway.services)
    before = list_told(gateway)
    languages = gateway.services.tenants.get_agency("valbourg").languages[:1]
    changed = with_agency(gateway.services, languages=languages)
    assert tell_changes(changed) and tell_changes(changed)
    (file,) = list_told(gateway)[len(before) :]
    assert file["change"]["before"] == before[0]["change"]["after"]
    assert file["change"]["after"] not in (None, file["change"]["before"])
    assert tell_changes(gateway.services)  # put back: that is a change too
    assert list_told(gateway)[-1]["change"]["after"] == before[0]["change"]["after"]
    models = gateway.services.models
    name, entry = next(iter(models.models.items()))
    other = {**models.models, name: replace(entry, digest="ab" * 32)}
    assert tell_changes(replace(gateway.services, models=replace(models, models=other)))
    told = list_told(gateway, PLATFORM)[-1]
    assert (told["model"]["asked"], told["model"]["digest"]) == (name, "ab" * 32)
    assert told["change"]["before"] != told["change"]["after"]


def test_what_is_no_longer_declared_is_told_once(gateway: Installation, tmp_path: Path) -> None:
    services = gateway.services
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("feeds: []\n")
    settings = services.settings.model_copy(update={"feeds_file": feeds})
    assert tell_changes(replace(services, settings=settings))
    (declared,) = [one for one in list_told(gateway, PLATFORM) if one["kind"] == "admin.changed"]
    assert declared["target"]["object"] == "feeds-file"
    before, there = list_told(gateway), len(list_told(gateway, PLATFORM))
    registry, models = services.tenants, services.models
    others = {slug: one for slug, one in registry.agencies.items() if slug != "valbourg"}
    name, *kept = models.models
    less = replace(
        services,
        tenants=type(registry)(registry.directory, others),
        models=replace(models, models={one: models.models[one] for one in kept}),
    )
    for _ in range(2):
        assert tell_changes(less)
    (file,) = list_told(gateway)[len(before) :]
    assert (file["target"]["object"], file["reason"]) == ("agency-file", "no_longer_declared")
    assert file["change"] == {"before": before[0]["change"]["after"]}
    gone = list_told(gateway, PLATFORM)[there:]
    assert [one["change"].keys() for one in gone] == [{"before"}, {"before"}]
    assert {one.get("model", {}).get("asked") for one in gone} == {None, name}
    assert {one.get("target", {}).get("object") for one in gone} == {None, "feeds-file"}
    assert tell_changes(services)  # both are back
    assert list_told(gateway)[-1]["change"] == {"after": before[0]["change"]["after"]}
    assert list_told(gateway, PLATFORM)[-1]["model"]["asked"] == name


class SilentLog:
    """A log that takes nothing until `back`."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self.reader = log.reader
        self.back = False

    def append(self, *args: Any) -> Receipt:
        if not self.back:
            raise AuditUnavailable
        return self._log.append(*args)


def test_what_cannot_be_told_at_the_start_is_told_later(gateway: Installation) -> None:
    silent: Any = SilentLog(gateway.services.audit)
    thread = build_declared_thread(replace(gateway.services, audit=silent), every_s=0.05)
    assert thread is not None and list_told(gateway) == []
    silent.back = True
    limit = time.monotonic() + 60
    while len(list_told(gateway)) < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    thread.close()
    assert [one["kind"] for one in list_told(gateway)] == ["admin.changed", "policy.published"]


def test_every_process_finds_the_same_digests() -> None:
    said = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", DIGESTS, str(REPOSITORY)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    assert len(said) == 1 and said.pop().count(",") > 1
