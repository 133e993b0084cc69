"""What a job is given. A job is a function `(tools, **arguments)`; it may be run twice and must do no harm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal.config import Settings
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database

if TYPE_CHECKING:
    from portal.wallets.port import Acquirer, WalletPort
    from portal.wallets.routed import Interconnect


@dataclass(frozen=True)
class Tools:
    """The services of a worker. `database` connects as `portal_staff`."""

    settings: Settings
    database: Database
    keyring: Keyring
    wallets: "Mapping[Acquirer, WalletPort]"
    sms: Any
    interconnect: "Interconnect | None" = None


Job = Callable[..., None]
