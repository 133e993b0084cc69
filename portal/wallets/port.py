"""What the portal asks of a wallet, in the portal's own words. Every connector implements all of it.

Amounts are whole fen, times are aware datetimes. A connector opens no transaction and knows no database: whoever
calls it has committed the intent before and commits the answer after.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from portal.wallets.applications import ApplicationAnswer, ApplicationToSend
from portal.wallets.bills import BillAnswer, BillToFetch, BulkTrades, FundLine, TradeLine, TradeSummary
from portal.wallets.parties import Acquirer as Acquirer
from portal.wallets.parties import Contract as Contract
from portal.wallets.parties import Wallet as Wallet
from portal.wallets.payouts import (
    PayoutAccount,
    PayoutAccountAnswer,
    PayoutChangeAnswer,
    TransferAnswer,
    TransferToSend,
)


class OpeningWay(StrEnum):
    """Where the payer is: inside the wallet's app, in another browser on his phone (H5), or before a screen (Native).

    The last two need a permission the sub-merchant may not hold.
    """

    IN_APP = "in_app"
    BROWSER = "browser"
    SCREEN = "screen"


@dataclass(frozen=True)
class OrderToOpen:
    """An order of ours that a payer is about to pay. `payer_id` is the openid where the wallet needs one.

    `return_url` is where a browser outside the wallet's app (BROWSER) comes back to; paid or not is then asked.
    """

    contract: Contract
    order_no: str
    amount: int
    description: str
    notify_url: str
    payer_ip: str
    expires_at: datetime
    created_at: datetime
    payer_id: str | None = None
    way: OpeningWay = OpeningWay.IN_APP
    return_url: str | None = None


class OpeningKind(StrEnum):
    """How the payer goes on: by the bridge call inside WeChat, a redirect, a code to scan, or a form he posts."""

    BRIDGE = "bridge"
    REDIRECT = "redirect"
    CODE = "code"
    FORM = "form"


@dataclass(frozen=True)
class Opening:
    """The way to the wallet's own page. `bridge` is the JSON for WeixinJSBridge, `url` the redirect or the code's text.

    For FORM the payer's browser posts `fields` to `url` (it, not we, brings the order to the wallet).
    """

    kind: OpeningKind
    bridge: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BrowserReturn:
    """What a payer's browser brought back under the wallet's signature. A reason to ask, never to book."""

    order_no: str
    says_paid: bool


class PaymentState(StrEnum):
    """What a wallet says of an order, in our words. `unpaid` also when it does not know the order (yet).

    `paying` may still become anything (JD does not tell an untouched order from one whose payer is typing).
    """

    UNPAID = "unpaid"
    PAYING = "paying"
    SUCCESS = "success"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True)
class Promotion:
    """Part of an order that somebody else than the payer paid, in fen. `paid_by` is wallet, merchant or other."""

    promotion_id: str
    name: str
    amount: int
    paid_by: str


@dataclass(frozen=True)
class PaymentAnswer:
    """What the wallet says of one order. `amount` and `payer_amount` are fen; absent until paid.

    A payment on the merchant's own static code has an `order_no` of the wallet's making. `trade_type` and `bank_type`
    are the wallet's own words, kept for whoever must tell such payments apart; `channel_no` is the number under which
    the institution behind the wallet (a bank, UnionPay) knows the payment, where the wallet tells it.
    """

    acquirer: Acquirer
    order_no: str | None
    state: PaymentState
    sub_merchant_no: str
    wallet: Wallet = Wallet.UNKNOWN
    transaction_id: str | None = None
    amount: int | None = None
    payer_amount: int | None = None
    currency: str = "CNY"
    promotions: tuple[Promotion, ...] = ()
    payer_id: str | None = field(default=None, repr=False)
    paid_at: datetime | None = None
    trade_type: str | None = None
    bank_type: str | None = None
    channel_no: str | None = None


class RefundState(StrEnum):
    """What a wallet says of a refund. `missing` means it never took the request: send it again, same number."""

    PROCESSING = "processing"
    SUCCESS = "success"
    ABNORMAL = "abnormal"
    CLOSED = "closed"
    MISSING = "missing"


@dataclass(frozen=True)
class RefundToSend:
    """A refund of part or all of an order. `amount` and `order_amount` are gross fen (before wallet discounts)."""

    contract: Contract
    refund_no: str
    order_no: str
    transaction_id: str
    amount: int
    order_amount: int
    reason: str
    notify_url: str


@dataclass(frozen=True)
class RefundAnswer:
    """What the wallet says of one refund. `payer_amount` is the part that goes back to the payer, in fen."""

    acquirer: Acquirer
    refund_no: str
    state: RefundState
    sub_merchant_no: str
    wallet_refund_no: str | None = None
    order_no: str | None = None
    amount: int | None = None
    payer_amount: int | None = None
    received_by: str | None = None
    arrived_at: datetime | None = None


@dataclass(frozen=True)
class Notice:
    """A notice whose signature was right. `notice_id` de-duplicates; exactly one of the last three is set."""

    acquirer: Acquirer
    notice_id: str
    kind: str
    payment: PaymentAnswer | None = None
    refund: RefundAnswer | None = None
    transfer: TransferAnswer | None = None


class Ability(StrEnum):
    """What not every wallet offers. A connector without it raises WalletRefused(`NOT_OFFERED`)."""

    BROWSER_PAYMENT = "browser_payment"
    SCREEN_PAYMENT = "screen_payment"
    STUCK_REFUND = "stuck_refund"
    TRANSFER = "transfer"
    PAYOUT_ACCOUNT = "payout_account"


KeysOf = Callable[[str], Mapping[str, str] | None]


@runtime_checkable
class ReadsReturns(Protocol):
    """A wallet whose cashier sends the browser back with signed fields (JD Pay V2.0)."""

    def read_return(self, contract: Contract, fields: Mapping[str, str]) -> BrowserReturn:
        """Prove the fields a browser posted. Raises WalletError where the wallet did not sign them."""


class WalletPort(Protocol):
    """One acquirer. Each call takes at most `budget` seconds in all (4 in a web request) and raises only WalletError.

    `apply` and `application_status` upload pictures and have a budget of their own (60 s): call them from the worker.
    `read_notice` raises only NoticeRejected.
    """

    acquirer: Acquirer
    offers: frozenset[Ability]

    def apply(self, application: ApplicationToSend) -> ApplicationAnswer:
        """Send an application, or go on with one that is under way. Same reference, same application.

        Answers SENDING when a first step is done and a later one is not: store `progress` and call either method again.
        """

    def application_status(self, application: ApplicationToSend) -> ApplicationAnswer:
        """Ask how an application stands, and take the next step where one is open."""

    def payer_login_url(self, *, return_url: str, state: str) -> str | None:
        """Where to send the payer's browser to learn his id, or None where the wallet needs none."""

    def payer_id_of(self, login_code: str) -> str:
        """The payer's id (openid) for the code that came back from the login."""

    def open_payment(self, order: OrderToOpen) -> Opening:
        """Place the order with the wallet. The same order may be placed again with the same values."""

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        """Ask what became of an order."""

    def ask_transaction(self, contract: Contract, transaction_id: str) -> PaymentAnswer:
        """Ask for a payment by the wallet's own number: the only way for one without an order of ours.

        Raises WalletRefused when the wallet does not know the number, or not with this contract.
        """

    def close_payment(self, contract: Contract, order_no: str) -> None:
        """Close an unpaid order; repeatable. Returns once the order can no longer be paid.

        A wallet without such a call (JD) lets orders run out at `expires_at`; until then WalletUnavailable with the
        code NOT_CLOSED_YET is raised. WalletRefused means: paid after all, ask.
        """

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        """Ask the wallet to refund. The same number is the same refund, however often it is sent."""

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """Ask what became of a refund."""

    def send_stuck_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """Have the wallet settle an `abnormal` refund with the merchant instead of the payer (his card is dead)."""

    def transfer(self, transfer: TransferToSend) -> TransferAnswer:
        """Pay a person out of the provider's own funds. The same number is the same transfer."""

    def ask_transfer(self, transfer_no: str) -> TransferAnswer:
        """Ask what became of a transfer."""

    def cancel_transfer(self, transfer_no: str) -> TransferAnswer:
        """Take back a transfer that waits for its receiver."""

    def payout_account(self, contract: Contract) -> PayoutAccountAnswer:
        """The bank account the wallet pays this sub-merchant to, its number masked."""

    def change_payout_account(self, contract: Contract, account: PayoutAccount) -> str:
        """Ask for another account; answers the wallet's number of this change."""

    def ask_payout_change(self, contract: Contract, application_no: str) -> PayoutChangeAnswer:
        """How a change stands."""

    def fetch_bill(self, bill: BillToFetch, *, into: BinaryIO) -> BillAnswer:
        """Write the plain text of a bill to `into`, its digest checked, never whole in memory (budget 10 minutes)."""

    def read_trades(self, bill: BinaryIO) -> Iterator[TradeLine | TradeSummary]:
        """The lines of a fetched `trades` bill, the summary last where there is one. Raises BillUnreadable."""

    def bulk_trades(self, bill: Path) -> BulkTrades | None:
        """The same lines as one query, where the wallet has one and the bill is an ordinary one."""

    def read_funds(self, bill: BinaryIO) -> Iterator[FundLine]:
        """The lines of a fetched `funds` or `merchant_funds` bill. Raises BillUnreadable."""

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime, keys_of: KeysOf) -> Notice:
        """Verify the raw bytes, then read them. `keys_of` finds a sub-merchant's own keys. Raises NoticeRejected."""

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """Status, media type and body with which this wallet wants a notice answered. `reason` of a NoticeRejected
        gives 401 or 400; any other reason means "not now" (503): the wallet tries again."""
