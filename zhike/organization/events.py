"""What has happened in the organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class StructureAdded(Fact):
    """A group, mall, floor, zone, unit, trade category, brand or merchant; ``kind`` says which."""

    type: ClassVar[str] = "zhike.organization.structure_added"
    kind: str
    id: int
    code: str

    @property
    def subject(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class GroupChanged(Fact):
    type: ClassVar[str] = "zhike.organization.group_changed"
    group_id: int
    fields: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class MerchantChanged(Fact):
    type: ClassVar[str] = "zhike.organization.merchant_changed"
    merchant_id: int
    fields: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"merchant/{self.merchant_id}"


@dataclass(frozen=True, slots=True)
class _StaffFact(Fact):
    staff_id: int

    @property
    def subject(self) -> str:
        return f"staff/{self.staff_id}"


@dataclass(frozen=True, slots=True)
class StaffCreated(_StaffFact):
    type: ClassVar[str] = "zhike.organization.staff_created"


@dataclass(frozen=True, slots=True)
class StaffDeactivated(_StaffFact):
    type: ClassVar[str] = "zhike.organization.staff_deactivated"


@dataclass(frozen=True, slots=True)
class PasswordChanged(_StaffFact):
    type: ClassVar[str] = "zhike.organization.password_changed"


@dataclass(frozen=True, slots=True)
class RoleGranted(_StaffFact):
    type: ClassVar[str] = "zhike.organization.role_granted"
    role: str
    level: str
    target_id: int


@dataclass(frozen=True, slots=True)
class RoleRevoked(_StaffFact):
    type: ClassVar[str] = "zhike.organization.role_revoked"
    role: str
    level: str
    target_id: int


@dataclass(frozen=True, slots=True)
class SecondFactorEnabled(_StaffFact):
    type: ClassVar[str] = "zhike.organization.second_factor_enabled"


@dataclass(frozen=True, slots=True)
class SecondFactorDisabled(_StaffFact):
    type: ClassVar[str] = "zhike.organization.second_factor_disabled"


@dataclass(frozen=True, slots=True)
class StaffLoggedIn(_StaffFact):
    type: ClassVar[str] = "zhike.organization.staff_logged_in"
    used_second_factor: bool


@dataclass(frozen=True, slots=True)
class SessionEnded(_StaffFact):
    """``cause`` is logged_out, revoked or deactivated."""

    type: ClassVar[str] = "zhike.organization.session_ended"
    session_id: int
    cause: str


@dataclass(frozen=True, slots=True)
class ApiKeyCreated(Fact):
    type: ClassVar[str] = "zhike.organization.api_key_created"
    key_id: int
    scopes: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"api_key/{self.key_id}"


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked(Fact):
    type: ClassVar[str] = "zhike.organization.api_key_revoked"
    key_id: int

    @property
    def subject(self) -> str:
        return f"api_key/{self.key_id}"
