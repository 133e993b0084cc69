"""WeChat Pay as the harnesses need it: it does what it is asked, once for each number, and its books are the truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portal.wallets.errors import WalletUnknown
from portal.wallets.port import (
    Acquirer,
    Contract,
    Notice,
    PaymentAnswer,
    PaymentState,
    RefundAnswer,
    RefundState,
    RefundToSend,
    Wallet,
)

SHOP = 482913057
SUB_MERCHANT = f"WX{SHOP}"
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)
WECHAT = Acquirer.WECHAT


class Died(BaseException):
    """This process is gone. Not an Exception: nothing may catch it and go on."""


@dataclass
class Bank:
    """`paid` and `refunds` are its books: fen by order, and fen by the refund's own number.

    `on_refund` is called when it has done a refund, before it answers; `deaf` makes it do nothing and not answer.
    """

    acquirer: Acquirer = WECHAT
    paid: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)
    notices: dict[bytes, Notice] = field(default_factory=dict)
    on_refund: Callable[[], None] | None = None
    deaf: int = 0

    def pay(self, order_no: str, amount: int) -> None:
        self.paid[order_no] = amount

    def answer(self, order_no: str, *, transaction: str = "", **more: Any) -> PaymentAnswer:
        return PaymentAnswer(
            acquirer=WECHAT,
            order_no=order_no,
            state=PaymentState.SUCCESS,
            sub_merchant_no=SUB_MERCHANT,
            wallet=Wallet.WECHAT,
            transaction_id=transaction or f"T{order_no}"[:32],
            amount=self.paid[order_no],
            payer_amount=self.paid[order_no],
            paid_at=NOW,
            **more,
        )

    def tell(self, order_no: str, *, telling: str = "1", transaction: str = "") -> bytes:
        """A notice that this order is paid. Another telling is another notice of the same fact."""
        answer = self.answer(order_no, transaction=transaction)
        number = f"N-{answer.transaction_id}-{telling}"
        self.notices[number.encode()] = Notice(WECHAT, number, "TRANSACTION.SUCCESS", payment=answer)
        return number.encode()

    def tell_refund(self, refund_no: str) -> bytes:
        number = f"R-{refund_no}"
        answer = self._refunded(refund_no)
        self.notices[number.encode()] = Notice(WECHAT, number, "REFUND.SUCCESS", refund=answer)
        return number.encode()

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        if order_no in self.paid:
            return self.answer(order_no)
        return PaymentAnswer(WECHAT, order_no, PaymentState.UNPAID, contract.sub_merchant_no)

    def close_payment(self, contract: Contract, order_no: str) -> None:
        """Nobody can pay it any more."""

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        if self.deaf:
            self.deaf -= 1
            raise WalletUnknown("timeout")
        self.refunds.setdefault(refund.refund_no, refund.amount)
        if self.on_refund is not None:
            self.on_refund()
        return RefundAnswer(WECHAT, refund.refund_no, RefundState.PROCESSING, SUB_MERCHANT, amount=refund.amount)

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        if refund_no in self.refunds:
            return self._refunded(refund_no)
        return RefundAnswer(WECHAT, refund_no, RefundState.MISSING, contract.sub_merchant_no)

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime, keys_of: object) -> Notice:
        return self.notices[body]

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        return (204, "text/plain", "") if accepted else (503, "text/plain", reason)

    def _refunded(self, refund_no: str) -> RefundAnswer:
        return RefundAnswer(
            WECHAT, refund_no, RefundState.SUCCESS, SUB_MERCHANT, amount=self.refunds[refund_no], arrived_at=NOW
        )
