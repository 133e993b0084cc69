"""What the clearing institution tells a member. It stands in for what production has no public source of."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.clock import beijing
from sandbox.interconnect.signing import signed_headers
from sandbox.keys import Keys
from sandbox.notifier import Notifier, Prepare, enqueue

SENDER = "interconnect"
CODE_PAID, ROUTED = "CODE.PAID", "PAYMENT.ROUTED"


def tell(connection: sqlite3.Connection, url: str, row: sqlite3.Row, event: str) -> None:
    """Queue the word about one payment in the transaction of the fact it tells."""
    payload = {"id": str(uuid.uuid4()), "event": event, "plain": about(row)}
    enqueue(
        connection,
        sender=SENDER,
        url=url,
        payload=payload,
        kind="payment",
        number=row["clearing_no"],
        order_no=row["transaction_id"] or "",
    )


def about(row: sqlite3.Row) -> dict[str, Any]:
    """A payment as notices and the query tell it. Amounts in fen."""
    told = {name: row[name] for name in ("clearing_no", "acquirer", "account_side", "holding", "amount")}
    told |= {"code": row["text"], "state": row["state"], "payer_amount": row["payer_amount"]}
    told |= {"promotions": json.loads(row["promotions"]), "transaction_id": row["transaction_id"]}
    if row["holding"] == "own_sub_merchant":
        told |= {"merchant_no": row["merchant_no"], "out_trade_no": row["out_trade_no"]}
    if row["authorised_at"] is not None:
        told["paid_at"] = beijing(int(row["authorised_at"])).isoformat()
    return told


def register(notifier: Notifier, keys: Keys) -> None:
    """Teach the notifier how these messages are signed and which answers end the repetition."""
    notifier.register(SENDER, _preparing(keys), accepted)


def _preparing(keys: Keys) -> Prepare:
    def prepare(payload: dict[str, Any]) -> tuple[Mapping[str, str], bytes]:
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(keys.interconnect_key_id, keys.interconnect_key, body)
        return {"Content-Type": "application/json", **headers}, body

    return prepare


def accepted(status: int, _body: bytes) -> bool:
    """200 or 204 ends the repetition."""
    return status in (200, 204)
