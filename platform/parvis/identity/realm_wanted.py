"""What an agency's realm must look like in Keycloak, as data: roles, settings, clients, people.

Only what is named here is compared and set; everything else in the realm is its administrators'.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parvis.domain import Role
from parvis.identity.claims import AUDIENCE

AGENCY_ROLES: Mapping[Role, str] = {
    Role.CHATBOT: "Service account of the agency's chatbot",
    Role.CIVIL_SERVANT: "Uses the portal",
    Role.OVERSEER: "Reviews drafts of the assistants that name them",
    Role.AUDITOR: "Reads and exports the agency's audit log",
    Role.AGENCY_ADMIN: "Administers the agency",
}


@dataclass(frozen=True)
class Person:
    """An example person of the demo; Keycloak asks for all three of name, surname and e-mail."""

    username: str
    password: str
    roles: tuple[Role, ...]
    first_name: str
    last_name: str
    email: str


@dataclass(frozen=True)
class RealmWanted:
    """An agency as Keycloak should know it. `public_url` is the gateway's, without a path."""

    slug: str
    realm: str
    display_name: str
    public_url: str
    portal_client: str
    chatbot_client: str
    languages: tuple[str, ...] = ("fr", "de", "lb", "en")
    people: tuple[Person, ...] = ()


def realm_fields(wanted: RealmWanted) -> dict[str, Any]:
    return {
        "enabled": True,
        "displayName": wanted.display_name,
        "sslRequired": "external",
        "registrationAllowed": False,
        "rememberMe": False,
        "editUsernameAllowed": False,
        "bruteForceProtected": True,
        "permanentLockout": False,
        "failureFactor": 5,
        "waitIncrementSeconds": 60,
        "maxFailureWaitSeconds": 900,
        # seconds: a token of somebody who was removed dies soon
        "accessTokenLifespan": 300,
        "accessCodeLifespan": 60,
        "ssoSessionIdleTimeout": 1800,
        "ssoSessionMaxLifespan": 8 * 3600,
        "internationalizationEnabled": True,
        "supportedLocales": sorted(wanted.languages),
        "defaultLocale": wanted.languages[0],
    }


def portal_fields(wanted: RealmWanted) -> dict[str, Any]:
    """A public client: the gateway holds no secret of it, PKCE binds each code to its browser."""
    return {
        "name": "Parvis portal",
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": True,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "redirectUris": [f"{wanted.public_url}/login/callback"],
        "webOrigins": [],
        "attributes": {"pkce.code.challenge.method": "S256"},
    }


def chatbot_fields() -> dict[str, Any]:
    """A service account and nothing else: nobody can sign in through it."""
    return {
        "name": "Chatbot of the agency",
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": True,
        "redirectUris": [],
        "webOrigins": [],
    }


def mapper_fields() -> dict[str, Any]:
    return {
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {
            "included.custom.audience": AUDIENCE,
            "access.token.claim": "true",
            "id.token.claim": "false",
            "introspection.token.claim": "true",
        },
    }


def person_fields(person: Person) -> dict[str, Any]:
    return {
        "enabled": True,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "email": person.email,
        "emailVerified": True,
    }
