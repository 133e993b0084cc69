"""A wallet as an adversary: it knows what it has really done, and answers as badly as a network lets it.

It never gives back more than it took, and it fails loudly when it is asked to: that is the outermost oracle.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import (
    Acquirer,
    Contract,
    Notice,
    Opening,
    OpeningKind,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    RefundAnswer,
    RefundState,
    RefundToSend,
    Wallet,
)
from tests.machine.telling import GivenBack, Transaction


class Mood(StrEnum):
    """How the next questions are answered."""

    TRUTH = "truth"
    STALE = "stale"  # as things stood before anything happened
    SILENT = "silent"  # done, but the answer is lost
    LOST = "lost"  # not done, and no answer
    AWAY = "away"  # nothing was sent
    NO = "no"  # refused for good
    AT_ONCE = "at_once"  # a refund that arrives while its sender waits


# What may become of a refund that the wallet has taken.
NEXT = {
    RefundState.PROCESSING: (RefundState.SUCCESS, RefundState.ABNORMAL, RefundState.CLOSED),
    RefundState.ABNORMAL: (RefundState.SUCCESS, RefundState.CLOSED),
    RefundState.SUCCESS: (),
    RefundState.CLOSED: (),
}


class OverRefunded(AssertionError):
    """The portal asked for more than the payer had paid."""


@dataclass
class AdversaryWallet:
    """Implements the port for what the portal asks about money; notices are read by the real connector."""

    connector: Any
    acquirer: Acquirer
    mood: Mood = Mood.TRUTH
    during: Callable[[], None] | None = None
    transactions: list[Transaction] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    refunds: dict[str, GivenBack] = field(default_factory=dict)
    states: dict[str, list[RefundState]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    answers: list[PaymentAnswer] = field(default_factory=list)

    def begin_anew(self) -> None:
        """Forget everything: another example begins."""
        self.mood, self.during = Mood.TRUTH, None
        for memory in (self.transactions, self.closed, self.refunds, self.states, self.refused, self.answers):
            memory.clear()

    def read_notice(self, **message: Any) -> Notice:
        notice: Notice = self.connector.read_notice(**message)
        return notice

    def notice_reply(self, **what: Any) -> tuple[int, str, str]:
        reply: tuple[int, str, str] = self.connector.notice_reply(**what)
        return reply

    def open_payment(self, order: OrderToOpen) -> Opening:
        self._trouble()
        return Opening(OpeningKind.REDIRECT, url=f"https://cashier.example/{order.order_no}")

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        self._trouble()
        paid = [one for one in self.transactions if one.order_no == order_no]
        if self.mood is Mood.STALE or not paid:
            state = PaymentState.CLOSED if order_no in self.closed else PaymentState.UNPAID
            return PaymentAnswer(self.acquirer, order_no, state, contract.sub_merchant_no)
        answer = answer_of(paid[-1])
        self.answers.append(answer)
        return answer

    def close_payment(self, contract: Contract, order_no: str) -> None:
        if self.mood in (Mood.AWAY, Mood.LOST):
            self._trouble()
        if any(one.order_no == order_no for one in self.transactions):
            raise WalletRefused("ORDERPAID")
        self.closed.add(order_no)
        self._trouble()

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        if self.mood is Mood.NO and refund.refund_no not in self.refunds:
            self.refused.add(refund.refund_no)
            raise WalletRefused("NOT_ENOUGH", "余额不足")
        if self.mood in (Mood.AWAY, Mood.LOST):
            self._trouble()
        self._take(refund)
        if self.during is not None:
            during, self.during = self.during, None
            during()
        if self.mood is Mood.SILENT:
            raise WalletUnknown("TIMEOUT")
        return self._refund_answer(refund.refund_no, refund.contract)

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        self._trouble()
        return self._refund_answer(refund_no, contract)

    def move(self, refund_no: str, state: RefundState) -> None:
        """The wallet's own work on a refund goes on."""
        assert state in NEXT[self.states[refund_no][-1]]
        self.states[refund_no].append(state)

    def _take(self, refund: RefundToSend) -> None:
        """The same number is the same refund."""
        if refund.refund_no in self.refunds:
            return
        if refund.refund_no in self.refused:
            raise OverRefunded(f"{refund.refund_no} was refused for good and is asked for again")
        paid = sum(one.amount for one in self.transactions if one.number == refund.transaction_id)
        given = sum(
            back.amount
            for number, back in self.refunds.items()
            if back.transaction_no == refund.transaction_id and self.states[number][-1] is not RefundState.CLOSED
        )
        if given + refund.amount > paid:
            raise OverRefunded(f"{refund.amount} of {refund.order_no} on top of {given}, paid {paid}")
        self.refunds[refund.refund_no] = GivenBack(
            refund_no=refund.refund_no,
            acquirer=self.acquirer,
            order_no=refund.order_no,
            transaction_no=refund.transaction_id,
            sub_merchant_no=refund.contract.sub_merchant_no,
            amount=refund.amount,
        )
        self.states[refund.refund_no] = [RefundState.PROCESSING]
        if self.mood is Mood.AT_ONCE:
            self.move(refund.refund_no, RefundState.SUCCESS)

    def _refund_answer(self, refund_no: str, contract: Contract) -> RefundAnswer:
        back, history = self.refunds.get(refund_no), self.states.get(refund_no, [])
        if back is None:
            return RefundAnswer(self.acquirer, refund_no, RefundState.MISSING, contract.sub_merchant_no)
        state = history[0] if self.mood is Mood.STALE else history[-1]
        return RefundAnswer(self.acquirer, refund_no, state, back.sub_merchant_no, "5030", amount=back.amount)

    def _trouble(self) -> None:
        if self.mood is Mood.AWAY:
            raise WalletUnavailable("NO_ROUTE")
        if self.mood in (Mood.SILENT, Mood.LOST):
            raise WalletUnknown("TIMEOUT")
        if self.mood is Mood.NO:
            raise WalletRefused("NO")


def answer_of(paid: Transaction) -> PaymentAnswer:
    """What the wallet says of a transaction when it tells the truth."""
    wallet: Mapping[Acquirer, Wallet] = {Acquirer.WECHAT: Wallet.WECHAT, Acquirer.JDPAY: Wallet.JDPAY}
    return PaymentAnswer(
        acquirer=paid.acquirer,
        order_no=paid.order_no,
        state=PaymentState.SUCCESS,
        sub_merchant_no=paid.sub_merchant_no,
        wallet=wallet[paid.acquirer],
        transaction_id=paid.number,
        amount=paid.amount,
        payer_amount=paid.amount,
        currency=paid.currency,
        payer_id=f"openid-{paid.number}",
        paid_at=paid.at,
        trade_type=paid.trade_type,
    )
