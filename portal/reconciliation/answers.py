"""A wallet's answer, or a bill's line in its place, as a proposal keeps it until somebody agrees."""

from datetime import datetime
from typing import Any, Protocol

from portal.wallets.port import (
    Acquirer,
    PaymentAnswer,
    PaymentState,
    Promotion,
    RefundAnswer,
    RefundState,
    Wallet,
)

Answer = PaymentAnswer | RefundAnswer
_BILL_WORDS = {"success": RefundState.SUCCESS, "abnormal": RefundState.ABNORMAL}


class Told(Protocol):
    """A difference, as far as an answer can be made of it."""

    acquirer: Any
    number: Any
    merchant_no: Any
    bill_wallet: Any
    bill_state: Any
    bill_amount: Any
    payer_amount: Any
    transaction_no: Any
    at: Any


def payment_told(line: Told) -> PaymentAnswer:
    """A bill's line of a payment in the words of an answer."""
    return PaymentAnswer(
        acquirer=Acquirer(line.acquirer),
        order_no=line.number,
        state=PaymentState.SUCCESS,
        sub_merchant_no=line.merchant_no,
        wallet=Wallet(line.bill_wallet or Wallet.UNKNOWN),
        transaction_id=line.transaction_no,
        amount=line.bill_amount,
        payer_amount=line.payer_amount,
        paid_at=line.at,
    )


def refund_told(line: Told) -> RefundAnswer:
    """A bill's line of a refund in the words of an answer."""
    state = _BILL_WORDS.get(line.bill_state, RefundState.CLOSED)
    amount = abs(line.bill_amount) if line.bill_amount else None
    return RefundAnswer(Acquirer(line.acquirer), line.number, state, line.merchant_no, amount=amount)


def kept(answer: Answer) -> dict[str, Any]:
    """All of an answer but whoever paid, as JSON. Amounts in fen."""
    shared = {
        "state": str(answer.state),
        "order_no": answer.order_no,
        "sub_merchant_no": answer.sub_merchant_no,
        "amount": answer.amount,
        "payer_amount": answer.payer_amount,
    }
    if isinstance(answer, RefundAnswer):
        return shared | {
            "refund_no": answer.refund_no,
            "wallet_refund_no": answer.wallet_refund_no,
            "received_by": answer.received_by,
            "at": _written(answer.arrived_at),
        }
    promotions = [[one.promotion_id, one.name, one.amount, one.paid_by] for one in answer.promotions]
    return shared | {
        "transaction_id": answer.transaction_id,
        "wallet": str(answer.wallet),
        "currency": answer.currency,
        "promotions": promotions,
        "trade_type": answer.trade_type,
        "bank_type": answer.bank_type,
        "at": _written(answer.paid_at),
    }


def payment_kept(acquirer: str, told: dict[str, Any]) -> PaymentAnswer:
    """The answer of a payment that `kept` wrote."""
    return PaymentAnswer(
        acquirer=Acquirer(acquirer),
        order_no=told["order_no"],
        state=PaymentState(told["state"]),
        sub_merchant_no=told["sub_merchant_no"],
        wallet=Wallet(told["wallet"]),
        transaction_id=told["transaction_id"],
        amount=told["amount"],
        payer_amount=told["payer_amount"],
        currency=told["currency"],
        promotions=tuple(Promotion(*one) for one in told["promotions"]),
        paid_at=_read(told["at"]),
        trade_type=told["trade_type"],
        bank_type=told["bank_type"],
    )


def refund_kept(acquirer: str, told: dict[str, Any]) -> RefundAnswer:
    """The answer of a refund that `kept` wrote."""
    return RefundAnswer(
        acquirer=Acquirer(acquirer),
        refund_no=told["refund_no"],
        state=RefundState(told["state"]),
        sub_merchant_no=told["sub_merchant_no"],
        wallet_refund_no=told["wallet_refund_no"],
        order_no=told["order_no"],
        amount=told["amount"],
        payer_amount=told["payer_amount"],
        received_by=told["received_by"],
        arrived_at=_read(told["at"]),
    )


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _read(moment: str | None) -> datetime | None:
    return datetime.fromisoformat(moment) if moment else None
