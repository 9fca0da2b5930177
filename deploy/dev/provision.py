"""Puts the example agencies and people into the demo's Keycloak, and says what it changed.

How realms and clients look is the business of `parvis.identity.provisioning`.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.dev import keycloak, places, walk
from deploy.dev.installation import Installation, NotAllowed, write_private
from parvis.cli import tenants
from parvis.domain import Role
from parvis.errors import ParvisError
from parvis.identity import provisioning
from parvis.settings import Settings
from parvis.tenancy.config import Agency

# made-up people; one for each thing that a person may be, and a second one who confirms erasures
_CAST = (
    (Role.CIVIL_SERVANT, "agent", "Camille", "Weber"),
    (Role.OVERSEER, "overseer", "Luc", "Schmit"),
    (Role.AUDITOR, "auditor", "Anna", "Keller"),
    (Role.AGENCY_ADMIN, "admin", "Jules", "Faber"),
    (Role.AGENCY_ADMIN, "deputy", "Nora", "Thill"),
)


def load_agencies(settings: Settings) -> list[Agency]:
    """The agencies of the installation; the one that the walk visits first, then by name.

    Raises parvis.errors.ConfigurationFaults with every fault of every file.
    """
    found = tenants.load_agencies(settings).agencies.values()
    return sorted(found, key=lambda agency: (agency.slug != walk.AGENCY, agency.slug))


def _open_to_api(agency: Agency) -> list[str]:
    return [one.id for one in agency.assistants if "api" in one.channels]


def provision(plan: Installation, settings: Settings) -> list[dict[str, Any]]:
    """Bring Keycloak to what the files say; the agencies as `demo.json` lists them.

    Raises NotAllowed when Keycloak refuses.
    """
    agencies = load_agencies(settings)
    passwords = _read_passwords(plan.secrets_dir / "people.json", agencies)
    wanted = [
        replace(tenants.realm_wanted(agency, settings), people=_people(agency, passwords))
        for agency in agencies
    ]
    try:
        admin = provisioning.connect_admin(
            plan.keycloak_url,
            user=_admin_name(),
            password=_admin_password(plan),
            ca_file=settings.keycloak_ca_file,
        )
        with places.progress("keycloak", "agencies, roles and people", places.elapsed(8)):
            changes = provisioning.apply(admin, wanted)
        _show_changes(changes)
        return [_listed(admin, plan, agency, passwords) for agency in agencies]
    except ParvisError as error:
        raise NotAllowed(f"the agencies could not be put into Keycloak: {error.message}") from error


def _people(agency: Agency, passwords: Mapping[str, str]) -> tuple[provisioning.Person, ...]:
    people = []
    for role, name, first, last in _CAST:
        username = _username(agency, name)
        people.append(
            provisioning.Person(
                username=username,
                password=passwords[username],
                roles=(role,),
                first_name=first,
                last_name=last,
                email=f"{username}@{agency.slug}.example",
            )
        )
    return tuple(people)


def _username(agency: Agency, name: str) -> str:
    return f"{name}.{agency.slug}"


def _read_passwords(path: Path, agencies: Sequence[Agency]) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    names = [_username(agency, name) for agency in agencies for _, name, _, _ in _CAST]
    passwords = known | {name: secrets.token_urlsafe(9) for name in names if name not in known}
    if passwords != known:
        write_private(path, json.dumps(passwords, indent=1))
    return passwords


def _admin_name() -> str:
    return os.environ.get("PARVIS_KEYCLOAK_ADMIN") or keycloak.ADMIN


def _admin_password(plan: Installation) -> str:
    if plan.keycloak_port is not None:
        return keycloak.read_admin_password(plan.data_dir)
    given = os.environ.get("PARVIS_KEYCLOAK_ADMIN_PASSWORD_FILE", "")
    if not given:
        raise NotAllowed(
            "PARVIS_KEYCLOAK_URL names a Keycloak that runs already: name its administrator by "
            "PARVIS_KEYCLOAK_ADMIN and PARVIS_KEYCLOAK_ADMIN_PASSWORD_FILE"
        )
    return Path(given).expanduser().read_text(encoding="utf-8").strip()


def _show_changes(changes: Sequence[provisioning.Change]) -> None:
    if not changes:
        places.say("keycloak", "agencies are as their files say: nothing to change")
    made: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        if change.action == "create":
            made.setdefault((change.realm, change.kind), []).append(change.name)
        else:
            places.say("keycloak", str(change))
    for (realm, kind), names in made.items():
        places.say("keycloak", f"+ {realm}: {kind} {', '.join(names)}")


def _listed(
    admin: Any, plan: Installation, agency: Agency, passwords: Mapping[str, str]
) -> dict[str, Any]:
    realm, client = agency.identity.realm, agency.identity.chatbot_client
    secret = provisioning.get_client_secret(admin, realm, client)
    first = _open_to_api(agency)
    people = {_username(agency, name): role for role, name, _, _ in _CAST}
    return {
        "slug": agency.slug,
        "realm": realm,
        "issuer": f"{plan.keycloak_url}/realms/{realm}",
        "assistants": sorted(
            (one.id for one in agency.assistants), key=lambda name: name not in first
        ),
        "chatbot": {"client_id": client, "client_secret": secret},
        "people": [
            {"username": name, "password": passwords[name], "roles": [role.value]}
            for name, role in people.items()
        ],
    }
