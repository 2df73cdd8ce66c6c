"""Who uses the emulated Zoom? Accounts, their people, their channels."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Role = Literal["admin", "member"]
Plan = Literal["free", "pro", "business"]


@dataclass(slots=True)
class User:
    """A person with an account at the emulated Zoom."""

    id: str
    account_id: str
    name: str
    email: str
    role: Role
    jid: str
    member_id: str

    @property
    def first_name(self) -> str:
        """The first word of the name."""
        return self.name.split(" ")[0]

    @property
    def last_name(self) -> str:
        """The rest of the name."""
        return self.name.partition(" ")[2]


@dataclass(slots=True)
class Channel:
    """A channel of an account; every user of the account is in it."""

    id: str
    account_id: str
    name: str
    jid: str
    apps: list[str] = field(default_factory=list[str])
    """Which apps were added to it, by client id."""


@dataclass(slots=True)
class Account:
    """A customer of the emulated Zoom."""

    id: str
    name: str
    users: list[User] = field(default_factory=list[User])
    channels: list[Channel] = field(default_factory=list[Channel])
    approval_required: bool = False
    """Whether its people may add only the apps that its admins approved."""
    approved_apps: list[str] = field(default_factory=list[str])
    """By their client ids."""
    plan: Plan = "business"
    """What it pays for; its limits follow."""

    def approves(self, client_id: str) -> bool:
        """Tell whether the account's people may add an app."""
        return not self.approval_required or client_id in self.approved_apps


@dataclass(slots=True)
class ApprovalRequest:
    """A person's request that an admin approve an app."""

    id: str
    client_id: str
    account_id: str
    user_id: str
    asked_at: datetime
