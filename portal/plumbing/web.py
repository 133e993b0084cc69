"""What every page shares: the guard each route declares, and the services a view may ask for."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app

from portal.config import Settings
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database

if TYPE_CHECKING:
    from portal.wallets.port import Acquirer, WalletPort
    from portal.wallets.routed import Interconnect

View = TypeVar("View", bound=Callable[..., Any])


class Audience(StrEnum):
    """Who may call a route. Every route names one; the gate refuses a route that names none."""

    EVERYONE = "everyone"
    PAYER = "payer"
    MEMBER = "member"
    MANAGER = "manager"
    OWNER = "owner"
    STAFF = "staff"
    WALLET = "wallet"


def guard(audience: Audience, *roles: str) -> Callable[[View], View]:
    """Declare who may call the view. `roles` narrows STAFF to some staff roles."""

    def declare(view: View) -> View:
        view.guard = (audience, roles)  # type: ignore[attr-defined]
        return view

    return declare


def settings() -> Settings:
    """The settings this process was started with."""
    return cast(Settings, current_app.extensions["settings"])


def database() -> Database:
    """The connections of `portal_app`: merchants and payers."""
    return cast(Database, current_app.extensions["database"])


def staff_database() -> Database:
    """The connections of `portal_staff`: the console and the workers."""
    return cast(Database, current_app.extensions["staff_database"])


def keyring() -> Keyring:
    """The keys that seal fields and references."""
    return cast(Keyring, current_app.extensions["keyring"])


def wallets() -> "Mapping[Acquirer, WalletPort]":
    """The connectors by acquirer."""
    return cast("Mapping[Acquirer, WalletPort]", current_app.extensions["wallets"])


def interconnect() -> "Interconnect | None":
    """The source that knows foreign codes and tells of their payments; None where there is none."""
    return cast("Interconnect | None", current_app.extensions["interconnect"])


def sms_gateway() -> Any:
    """The SMS gateway's client."""
    return current_app.extensions["sms"]
