"""`revoke` (撤销): end an order whose fate is open. Its one use here is in `close_payment`."""

from datetime import datetime

from portal.wallets.jdpay.v2.client import V2Client
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.jdpay.v2.words import Call
from portal.wallets.jdpay.v2.xml import Element
from portal.wallets.transport import Budget
from portal.wallets.wire import digits_of


def revoke(client: V2Client, keys: V2Keys, *, order_no: str, amount: int, now: datetime, budget: Budget) -> Element:
    """Revoke the whole order (`amount` in fen). Its own number follows from the order's: once is once."""
    fields = {
        "tradeNum": f"{order_no}V",
        "oTradeNum": order_no,
        "amount": str(amount),
        "currency": "CNY",
        "tradeTime": digits_of(now),
        "note": "timeout",
    }
    return client.ask(Call.REVOKE, keys, fields, budget=budget)
