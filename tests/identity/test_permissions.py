"""The table of roles, cell by cell."""

import pytest

from parvis.domain import Channel, Principal, Role
from parvis.errors import PermissionDenied
from parvis.identity.permissions import (
    PERMISSIONS,
    Permission,
    find_channels,
    require_permission,
)

ALLOWED = {
    Role.CHATBOT: {Permission.ASK_API},
    Role.CIVIL_SERVANT: {
        Permission.ASK_PORTAL,
        Permission.USE_PORTAL,
        Permission.READ_OWN_CONVERSATIONS,
    },
    Role.OVERSEER: {Permission.REVIEW_DRAFTS},
    Role.AUDITOR: {Permission.READ_AUDIT, Permission.EXPORT_AUDIT, Permission.VERIFY_AUDIT},
    Role.AGENCY_ADMIN: {Permission.ADMINISTER_AGENCY, Permission.HANDLE_RIGHTS},
    Role.PLATFORM_ADMIN: {Permission.ADMINISTER_PLATFORM},
    Role.PLATFORM_AUDITOR: {Permission.READ_PLATFORM_AUDIT},
}


def principal(*roles: Role) -> Principal:
    return Principal("town", "subject", "client", "person", frozenset(roles))


@pytest.mark.parametrize("permission", list(Permission), ids=lambda one: one.name)
@pytest.mark.parametrize("role", list(Role), ids=lambda one: one.value)
def test_a_role_may_do_what_the_table_says_and_nothing_else(
    role: Role, permission: Permission
) -> None:
    if permission in ALLOWED[role]:
        require_permission(principal(role), permission)
    else:
        with pytest.raises(PermissionDenied):
            require_permission(principal(role), permission)


def test_every_permission_is_in_the_table_and_somebody_has_it() -> None:
    assert set(PERMISSIONS) == set(Permission)
    assert all(PERMISSIONS.values())


@pytest.mark.parametrize("permission", list(Permission), ids=lambda one: one.name)
def test_somebody_without_a_role_may_do_nothing(permission: Permission) -> None:
    with pytest.raises(PermissionDenied):
        require_permission(principal(), permission)


def test_a_chatbot_reaches_the_api_channel_only() -> None:
    assert find_channels(principal(Role.CHATBOT)) == {Channel.API}


def test_a_civil_servant_reaches_the_portal_channel_only() -> None:
    assert find_channels(principal(Role.CIVIL_SERVANT)) == {Channel.PORTAL}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.AGENCY_ADMIN, Role.PLATFORM_ADMIN])
def test_other_roles_reach_no_assistant(role: Role) -> None:
    assert find_channels(principal(role)) == frozenset()
