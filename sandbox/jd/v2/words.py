"""JD Pay V2.0's words for orders and refunds, as queries answer and notices tell them. Amounts are fen as text.

`status`: 0 created, 1 processing, 2 success, 3 failed, 4 closed (a production PHP implementer; 2 also in JD's own
demonstration). `tradeType`: 0 purchase, 1 refund. The order of the fields, `payType` 0 for a bank card and `cardType` 1
for a debit card are those of JD's published notice; `payType` 9 for a reduction and `cardType` 2 are not public
(unconfirmed).
"""

import sqlite3
from typing import Any

from sandbox.jd import moments

VERSION = "V2.0"
CURRENCY = "CNY"
PURCHASE, REFUND = "0", "1"
CREATED, PROCESSING, SUCCESS, FAILED, CLOSED = "0", "1", "2", "3", "4"
ORDER_STATUS = {"PROCESSING": CREATED, "FINISH": SUCCESS, "CLOSE": CLOSED}
_REFUND_STATUS = {"PROCESSING": PROCESSING, "FINISH": SUCCESS, "CLOSE": CLOSED}
_OWN_MONEY, _REDUCTION = "0", "9"
_CARD_TYPES = {"DEBIT": "1", "CREDIT": "2"}


def payment(order: sqlite3.Row, status: str = SUCCESS) -> dict[str, Any]:
    """An order: `payList` says how it was paid, and adds up to `amount`."""
    return {
        "device": order["device"] or None,
        "tradeNum": order["out_trade_no"],
        "tradeType": PURCHASE,
        "amount": str(order["total"]),
        "note": order["note"] or None,
        "status": status,
        "payList": _pays(order) if order["paid_at"] is not None else None,
    }


def refund(row: sqlite3.Row, order: sqlite3.Row) -> dict[str, Any]:
    """A refund as query and notice tell it."""
    return {"device": order["device"] or None, "tradeType": REFUND, **listed(row)}


def listed(row: sqlite3.Row) -> dict[str, Any]:
    """A refund as it stands in the answer to `refund` and in a `refList`."""
    done = row["finished_at"] or row["created_at"]
    return {
        "tradeNum": row["out_refund_no"],
        "oTradeNum": row["out_trade_no"],
        "amount": str(row["amount"]),
        "currency": CURRENCY,
        "tradeTime": moments.written(done),
        "note": row["note"] or None,
        "status": FAILED if row["failed"] else _REFUND_STATUS[row["state"]],
    }


def _pays(order: sqlite3.Row) -> list[dict[str, Any]]:
    when = moments.written(order["paid_at"])
    bank, _, kind = order["bank_type"].partition("_")
    own = {
        "payType": _OWN_MONEY,
        "amount": str(order["payer_total"]),
        "currency": CURRENCY,
        "tradeTime": when,
        "detail": {
            "cardHolderName": "*明",
            "cardHolderMobile": "138****0000",
            "cardHolderType": "0",
            "cardHolderId": "****0000",
            "cardNo": f"622588****{order['card'][-4:]}" if kind else None,
            "bankCode": bank if kind else None,
            "cardType": _CARD_TYPES.get(kind),
            "payMoney": str(order["payer_total"]),
        },
    }
    reductions = order["coupon"] + order["merchant_coupon"]
    if not reductions:
        return [own]
    return [own, {"payType": _REDUCTION, "amount": str(reductions), "currency": CURRENCY, "tradeTime": when}]
