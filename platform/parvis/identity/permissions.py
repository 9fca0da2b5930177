"""Which role may do what, as data. Roles are those that the agency's own realm gave.

What a permission covers inside (whose conversations, which assistants) is checked where the thing
lies; no role of one agency permits anything in another.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from parvis.domain import Channel, Principal, Role
from parvis.errors import PermissionDenied


class Permission(StrEnum):
    """One thing that somebody may be allowed to do, always within the own agency."""

    ASK_API = "ask assistants opened to the api channel, by /v1"
    ASK_PORTAL = "ask assistants opened to the portal channel, on the page or by /v1"
    USE_PORTAL = "open the portal"
    READ_OWN_CONVERSATIONS = "read one's own conversations"
    REVIEW_DRAFTS = "review drafts of the assistants that name oneself"
    READ_AUDIT = "read the agency's audit log"
    EXPORT_AUDIT = "export the agency's audit log"
    VERIFY_AUDIT = "verify the agency's audit log"
    ADMINISTER_AGENCY = "administer the agency"
    HANDLE_RIGHTS = "ask for and confirm erasures, place and lift holds"
    ADMINISTER_PLATFORM = "administer tenants, models and health"
    READ_PLATFORM_AUDIT = "read the platform log and the heads of all logs"


PERMISSIONS: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        Permission.ASK_API: frozenset({Role.CHATBOT}),
        Permission.ASK_PORTAL: frozenset({Role.CIVIL_SERVANT}),
        Permission.USE_PORTAL: frozenset({Role.CIVIL_SERVANT}),
        Permission.READ_OWN_CONVERSATIONS: frozenset({Role.CIVIL_SERVANT}),
        Permission.REVIEW_DRAFTS: frozenset({Role.OVERSEER}),
        Permission.READ_AUDIT: frozenset({Role.AUDITOR}),
        Permission.EXPORT_AUDIT: frozenset({Role.AUDITOR}),
        Permission.VERIFY_AUDIT: frozenset({Role.AUDITOR}),
        Permission.ADMINISTER_AGENCY: frozenset({Role.AGENCY_ADMIN}),
        Permission.HANDLE_RIGHTS: frozenset({Role.AGENCY_ADMIN}),
        Permission.ADMINISTER_PLATFORM: frozenset({Role.PLATFORM_ADMIN}),
        Permission.READ_PLATFORM_AUDIT: frozenset({Role.PLATFORM_AUDITOR}),
    }
)


def is_permitted(principal: Principal, permission: Permission) -> bool:
    """True when one of the principal's roles carries this permission."""
    return not PERMISSIONS[permission].isdisjoint(principal.roles)


def require_permission(principal: Principal, permission: Permission) -> None:
    """Nothing, or PermissionDenied."""
    if not is_permitted(principal, permission):
        raise PermissionDenied


def find_channels(principal: Principal) -> frozenset[Channel]:
    """The channels whose assistants this principal may ask by /v1; empty when none."""
    found = set()
    if is_permitted(principal, Permission.ASK_API):
        found.add(Channel.API)
    if is_permitted(principal, Permission.ASK_PORTAL):
        found.add(Channel.PORTAL)
    return frozenset(found)
