"""What a clearing institution tells of a payment: which wallet paid, and, where nobody else would, that it was paid.

No public interface of this kind exists; the words are the portal's own (docs/interconnect.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from portal.wallets.directory import CodeDirectory, Holding
from portal.wallets.parties import Acquirer, Wallet
from portal.wallets.port import Promotion


class RoutedKind(StrEnum):
    """`wallet_told`: who paid a transaction that the acquirer reports itself. `code_paid`: nobody else reports it."""

    WALLET_TOLD = "PAYMENT.ROUTED"
    CODE_PAID = "CODE.PAID"


@dataclass(frozen=True)
class RoutedPayment:
    """One payment on a static code. Amounts in fen; `transaction_id` is the acquirer's.

    `sub_merchant_no` and `order_no` (of the acquirer's making) are set for a sub-merchant of this provider only.
    """

    kind: RoutedKind
    clearing_no: str
    holding: Holding
    acquirer: Acquirer
    wallet: Wallet
    code_text: str
    transaction_id: str
    amount: int
    payer_amount: int
    paid_at: datetime
    promotions: tuple[Promotion, ...] = ()
    sub_merchant_no: str | None = None
    order_no: str | None = None


@dataclass(frozen=True)
class RoutedNotice:
    """A message whose signature was right. `notice_id` de-duplicates."""

    notice_id: str
    payment: RoutedPayment


class Interconnect(CodeDirectory, Protocol):
    """A source of such words, and the directory behind it."""

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> RoutedNotice:
        """Verify the raw bytes, then read them. Raises NoticeRejected."""

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """Status, media type and body; reasons as WalletPort.notice_reply has them."""
