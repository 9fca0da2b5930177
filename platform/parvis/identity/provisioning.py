"""Creates and updates the agencies' realms in Keycloak, for `parvis tenants apply` and the demo.

The administrator's credential lives here only, for one command; the gateway never has it. What is
wanted is data (`RealmWanted`); each piece is compared with what Keycloak holds, so that `plan`
shows what `apply` will do, and a second `apply` does nothing. Nothing is ever deleted.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from keycloak import KeycloakAdmin
from keycloak.exceptions import (
    KeycloakAuthenticationError,
    KeycloakConnectionError,
    KeycloakError,
    KeycloakGetError,
    KeycloakPostError,
    raise_error_from_response,
)

from parvis.domain import Role
from parvis.errors import AuthenticationFailed, IdentityUnavailable
from parvis.identity.realm_wanted import (
    AGENCY_ROLES,
    Person,
    RealmWanted,
    chatbot_fields,
    mapper_fields,
    person_fields,
    portal_fields,
    realm_fields,
)
from parvis.identity.realm_words import LOGIN_WORDS_LB

__all__ = [
    "AGENCY_ROLES",
    "Change",
    "Person",
    "RealmWanted",
    "apply",
    "connect_admin",
    "get_client_secret",
    "plan",
]

_MAPPER = "parvis-audience"
_TIMEOUT_S = 30
_NOT_FOUND = 404
_SERVER_FAULT = 500

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that Keycloak holds otherwise, or not yet. Passwords and secrets never appear."""

    realm: str
    kind: Literal["realm", "words", "role", "client", "mapper", "role-of", "person"]
    name: str
    action: Literal["create", "update"]
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        sign = "+" if self.action == "create" else "~"
        line = f"{sign} {self.realm}: {self.kind} {self.name}"
        for name, (before, after) in self.fields.items():
            line += f"\n    {name}: {before!r} -> {after!r}"
        return line


def connect_admin(
    base_url: str, *, user: str, password: str, ca_file: Path | None = None
) -> KeycloakAdmin:
    """An administrator's connection; raises AuthenticationFailed or IdentityUnavailable."""
    with _converting_errors():
        admin = KeycloakAdmin(
            server_url=f"{base_url.rstrip('/')}/",
            username=user,
            password=password,
            realm_name="master",
            user_realm_name="master",
            verify=str(ca_file) if ca_file else True,
            timeout=_TIMEOUT_S,
        )
        try:
            admin.get_realm("master")
        except KeycloakPostError as error:  # the password itself was refused
            if error.response_code and error.response_code < _SERVER_FAULT:
                raise AuthenticationFailed("Keycloak refused the administrator.") from None
            raise
    return admin


def plan(admin: KeycloakAdmin, wanted: Sequence[RealmWanted]) -> list[Change]:
    """What `apply` would change; nothing is written."""
    return _run(admin, wanted, write=False)


def apply(admin: KeycloakAdmin, wanted: Sequence[RealmWanted]) -> list[Change]:
    """Bring Keycloak to what is wanted; the changes made, none when it was there already.

    A person's password is set when the person is created, and never again.
    Raises AuthenticationFailed or IdentityUnavailable.
    """
    return _run(admin, wanted, write=True)


def get_client_secret(admin: KeycloakAdmin, realm: str, client_id: str) -> str:
    """The secret of a confidential client, to hand to the agency."""
    with _converting_errors():
        admin.change_current_realm(realm)
        secret: str = admin.get_client_secrets(admin.get_client_id(client_id) or "")["value"]
    return secret


def _run(admin: KeycloakAdmin, wanted: Sequence[RealmWanted], *, write: bool) -> list[Change]:
    changes: list[Change] = []
    with _converting_errors():
        for one in wanted:
            changes += _Realm(admin, one, write=write).walk()
    return changes


class _Realm:
    """One walk over one realm: compare, and write where told to."""

    def __init__(self, admin: KeycloakAdmin, wanted: RealmWanted, *, write: bool) -> None:
        self._admin = admin
        self._wanted = wanted
        self._write = write
        self._exists = True

    def walk(self) -> Iterator[Change]:
        wanted = self._wanted
        yield from self._realm()
        self._admin.change_current_realm(wanted.realm)
        if "lb" in wanted.languages:
            yield from self._words()
        yield from self._roles()
        yield from self._client(wanted.portal_client, portal_fields(wanted))
        yield from self._client(wanted.chatbot_client, chatbot_fields())
        yield from self._chatbot_role()
        for person in wanted.people:
            yield from self._person(person)

    def _realm(self) -> Iterator[Change]:
        name, fields = self._wanted.realm, realm_fields(self._wanted)
        found = _find(lambda: self._admin.get_realm(name))
        # a dry run must not ask a realm that is not there for its parts
        self._exists = self._write or found is not None
        yield from self._settle(
            ("realm", name),
            found,
            fields,
            create=lambda: self._admin.create_realm({"realm": name, **fields}),
            update=lambda: self._admin.update_realm(name, {**fields}),
        )

    def _words(self) -> Iterator[Change]:
        path = f"admin/realms/{self._wanted.realm}/localization/lb"
        connection = self._admin.connection
        found = connection.raw_get(path).json() if self._exists else None

        def write() -> None:
            raise_error_from_response(
                connection.raw_post(path, data=json.dumps(dict(LOGIN_WORDS_LB))),
                KeycloakPostError,
                expected_codes=[204],
            )

        yield from self._settle(
            ("words", "lb"), found or None, LOGIN_WORDS_LB, create=write, update=write, quiet=True
        )

    def _roles(self) -> Iterator[Change]:
        found = {}
        if self._exists:
            found = {role["name"]: role for role in self._admin.get_realm_roles()}
        for role, description in AGENCY_ROLES.items():
            fields = {"description": description}
            yield from self._settle(
                ("role", role.value),
                found.get(role.value),
                fields,
                create=_bind(self._admin.create_realm_role, {"name": role.value, **fields}),
                update=_bind(
                    self._admin.update_realm_role, role.value, {"name": role.value, **fields}
                ),
            )

    def _client(self, client_id: str, fields: Values) -> Iterator[Change]:
        found = self._find_client(client_id)
        key = found["id"] if found else ""
        yield from self._settle(
            ("client", client_id),
            found,
            fields,
            create=lambda: self._admin.create_client({"clientId": client_id, **fields}),
            update=lambda: self._admin.update_client(key, {**found, **_merged(found, fields)}),
        )
        yield from self._mapper(client_id)

    def _mapper(self, client_id: str) -> Iterator[Change]:
        client = self._find_client(client_id)
        fields = mapper_fields()
        found = None
        if client:
            mappers = self._admin.get_mappers_from_client(client["id"])
            found = next((one for one in mappers if one["name"] == _MAPPER), None)

        def create() -> None:
            self._admin.add_mapper_to_client(client["id"], {"name": _MAPPER, **fields})

        def update() -> None:
            old = found or {}
            payload = {**old, **_merged(old, fields)}
            self._admin.update_client_mapper(client["id"], old["id"], payload)

        name = f"{client_id}/{_MAPPER}"
        yield from self._settle(("mapper", name), found, fields, create=create, update=update)

    def _chatbot_role(self) -> Iterator[Change]:
        client = self._find_client(self._wanted.chatbot_client)
        user = self._admin.get_client_service_account_user(client["id"]) if client else None
        yield from self._role_of(user, self._wanted.chatbot_client, Role.CHATBOT)

    def _role_of(self, user: Values | None, name: str, role: Role) -> Iterator[Change]:
        held = self._admin.get_realm_roles_of_user(user["id"]) if user else []
        if role.value in {one["name"] for one in held}:
            return
        if self._write and user:
            wanted = self._admin.get_realm_role(role.value)
            self._admin.assign_realm_roles(user["id"], [wanted])
        yield Change(self._wanted.realm, "role-of", f"{name}: {role.value}", "create")

    def _person(self, person: Person) -> Iterator[Change]:
        fields = person_fields(person)
        found = self._find_user(person.username)
        key = found["id"] if found else ""
        password = {"type": "password", "value": person.password, "temporary": False}
        first = {"username": person.username, "credentials": [password], **fields}
        yield from self._settle(
            ("person", person.username),
            found,
            fields,
            create=lambda: self._admin.create_user(first),
            update=lambda: self._admin.update_user(key, {**fields}),
        )
        for role in person.roles:
            yield from self._role_of(self._find_user(person.username), person.username, role)

    def _find_client(self, client_id: str) -> Any:
        if not self._exists:
            return None
        listed = self._admin.get_clients()
        return next((one for one in listed if one["clientId"] == client_id), None)

    def _find_user(self, username: str) -> Any:
        if not self._exists:
            return None
        listed = self._admin.get_users({"username": username, "exact": "true"})
        return next((one for one in listed if one["username"] == username), None)

    def _settle(
        self,
        what: tuple[Any, str],
        found: Values | None,
        fields: Values,
        *,
        create: Callable[[], Any],
        update: Callable[[], Any],
        quiet: bool = False,
    ) -> Iterator[Change]:
        """The one change that is needed, if any, done when writing. `quiet` leaves values out."""
        kind, name = what
        if found is None:
            if self._write:
                create()
            yield Change(self._wanted.realm, kind, name, "create")
            return
        differing = dict(_differences(found, fields))
        if differing:
            if self._write:
                update()
            yield Change(self._wanted.realm, kind, name, "update", {} if quiet else differing)


def _differences(found: Values, wanted: Values, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Fields that are otherwise, as (dotted name, (before, after)); others are not ours."""
    for name, after in wanted.items():
        before = found.get(name)
        if isinstance(after, Mapping):
            yield from _differences(before or {}, after, f"{prefix}{name}.")
        elif (sorted(before or []) if isinstance(after, list) else before) != after:
            yield prefix + name, (before, after)


def _merged(found: Values, wanted: Values) -> dict[str, Any]:
    """What is wanted, with nested settings of others kept."""
    return {
        name: {**(found.get(name) or {}), **value} if isinstance(value, Mapping) else value
        for name, value in wanted.items()
    }


def _bind(call: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: call(*arguments)


def _find(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except KeycloakGetError as error:
        if error.response_code == _NOT_FOUND:
            return None
        raise


@contextmanager
def _converting_errors() -> Iterator[None]:
    try:
        yield
    except KeycloakConnectionError:
        raise IdentityUnavailable("Keycloak cannot be reached.") from None
    except KeycloakAuthenticationError:
        raise AuthenticationFailed("Keycloak refused the administrator.") from None
    except KeycloakError as error:
        words = f"Keycloak refused a change (status {error.response_code})."
        raise IdentityUnavailable(words) from error
