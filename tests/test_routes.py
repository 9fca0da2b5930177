"""Every address of the application has its guard, or says aloud that it is open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import Rule

from parvis.app import ROOMS
from parvis.web.guards import open_to_all
from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import FakeModelServer

# whoever adds an open address says so here, too
OPEN = {
    *("/", "/agency", "/accessibility", "/privacy", "/assets/<path:name>"),
    *("/login", "/login/callback", "/logout"),
    *("/audit/proof", "/audit/proof/verify.py", "/healthz", "/readyz"),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with FakeModelServer() as server:
        folder: Path = tmp_path_factory.mktemp("routes")
        installation = build_installation(folder, server)
        yield installation
        installation.services.close()


def open_names() -> set[str]:
    return {blueprint.name for blueprint, guard in ROOMS if guard is open_to_all}


def list_rules(gateway: Installation) -> list[Rule]:
    return list(gateway.app.url_map.iter_rules())


def fill(rule: Rule) -> str:
    values: dict[str, Any] = {name: "1" for name in rule.arguments}
    return str(rule.build(values, append_unknown=False)[1])  # type: ignore[index]


def test_every_route_belongs_to_a_guarded_or_openly_open_room(gateway: Installation) -> None:
    rooms = {blueprint.name for blueprint, _ in ROOMS}
    for rule in list_rules(gateway):
        assert rule.endpoint.split(".")[0] in rooms, rule
        guards = gateway.app.before_request_funcs[rule.endpoint.split(".")[0]]
        assert guards, rule


def test_the_open_routes_are_exactly_the_listed_ones(gateway: Installation) -> None:
    names = open_names()
    found = {rule.rule for rule in list_rules(gateway) if rule.endpoint.split(".")[0] in names}
    assert found == OPEN


def test_nobody_passes_a_guard_without_showing_who_they_are(gateway: Installation) -> None:
    names = open_names()
    guarded = [rule for rule in list_rules(gateway) if rule.endpoint.split(".")[0] not in names]
    assert len(guarded) >= 10
    for rule in guarded:
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            response = gateway.client.open(fill(rule), method=method)
            assert response.status_code == 401, (rule, method)


def test_every_answer_has_a_request_id_and_strict_headers(gateway: Installation) -> None:
    for path in ("/", "/v1/models", "/audit", "/nothing", "/healthz"):
        headers = gateway.client.get(path).headers
        assert len(headers["x-request-id"]) == 32
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
    assert gateway.client.get("/", headers={"x-request-id": "chosen"}).headers["x-request-id"] != (
        "chosen"
    )


def test_it_is_ready_only_while_every_part_can_work(gateway: Installation) -> None:
    ready = gateway.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json is not None
    parts = {"database", "audit", "privacy", "models", "anchors", "feeds"}
    assert set(ready.json["parts"]) == parts
    assert gateway.client.get("/healthz").json == {"status": "alive"}
