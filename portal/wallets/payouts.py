"""Money towards people: a transfer out of the provider's own funds, and the account a sub-merchant is paid out to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TransferState(StrEnum):
    """Where a transfer stands. `missing`: the wallet never took it; send it again under the same number.

    `waiting_for_owner`: the receiver must confirm it within 24 hours (merchant docs 4012716434).
    """

    PROCESSING = "processing"
    WAITING_FOR_OWNER = "waiting_for_owner"
    SENDING = "sending"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELING = "canceling"
    CANCELED = "canceled"
    MISSING = "missing"


@dataclass(frozen=True)
class TransferToSend:
    """Cash for one person from the provider's own funds. `amount` in fen; `receiver_id` is his openid.

    `receiver_name` is required from 2,000 yuan on. `activity` and `reason` are what the receiver is shown.
    """

    transfer_no: str
    receiver_id: str = field(repr=False)
    amount: int
    activity: str
    reason: str
    notify_url: str
    receiver_name: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class TransferAnswer:
    """What the wallet says of one transfer. `confirmation` is what the receiver's page needs to ask him.

    `bridge` is the same as the arguments of the wallet's own call: `requestMerchantTransfer` of WeixinJSBridge with
    `mchId`, `appId` and `package` (merchant docs 4012716430). Its "ok" says that the page was shown, no more.
    """

    transfer_no: str
    state: TransferState
    amount: int | None = None
    wallet_transfer_no: str | None = None
    confirmation: str | None = field(default=None, repr=False)
    bridge: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: str | None = None
    at: datetime | None = None


class AccountKind(StrEnum):
    """Whose bank account: the business's own, or its owner's."""

    BUSINESS = "business"
    PERSONAL = "personal"


@dataclass(frozen=True)
class PayoutAccount:
    """The bank account a sub-merchant wants to be paid to."""

    kind: AccountKind
    bank_name: str
    account_name: str = field(repr=False)
    account_number: str = field(repr=False)
    branch_name: str | None = None


class Verification(StrEnum):
    """Whether the wallet has found an account, or a change of it, to be right."""

    VERIFYING = "verifying"
    VERIFIED = "verified"
    FAILED = "failed"


@dataclass(frozen=True)
class PayoutAccountAnswer:
    """What the wallet pays to now. `masked_number` is all it shows of the number."""

    kind: AccountKind
    bank_name: str
    masked_number: str
    verification: Verification
    reason: str | None = None


@dataclass(frozen=True)
class PayoutChangeAnswer:
    """How a change of the account stands."""

    application_no: str
    verification: Verification
    reason: str | None = None
    finished_at: datetime | None = None
