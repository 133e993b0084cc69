"""Conversations with WeChat Pay's side written down byte for byte, so that a change of the sandbox changes no test.

`python -m tests.connectors.recording` starts a sandbox, holds the conversations of CONVERSATIONS with it and writes
`recorded/wechat.json`; test_recorded.py holds them again with what stands there. The keys in the file belonged to that
sandbox alone, which is gone.
"""

import base64
import dataclasses
import io
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from portal.values.day import business_date
from portal.wallets.bills import BillKind, BillToFetch
from portal.wallets.errors import WalletError
from portal.wallets.payouts import TransferToSend
from portal.wallets.port import Acquirer, Contract, OrderToOpen, RefundToSend, WalletPort
from portal.wallets.registry import connectors
from portal.wallets.transport import Answer, Budget, Transport
from tests.connectors.conftest import Side, started, wechat_side
from tests.connectors.server import Ear

FILE = Path(__file__).parent / "recorded" / "wechat.json"
URL = "https://yima.example/notify/wechat"
# What an answer needs to be believed or traced. The rest (Server, Date) says nothing of WeChat Pay's wire.
_KEPT_HEADERS = ("content-type", "request-id")


def told(call: Callable[[], object]) -> object:
    """What came of a call, as JSON can hold it: the answer's fields, or the error."""
    try:
        found = call()
    except WalletError as error:
        return {"error": type(error).__name__, "code": error.code, "request_id": error.request_id}
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        found = dataclasses.asdict(found)
        # Made afresh by us for every call: a time, a random text, a signature over both.
        for name in ("timeStamp", "nonceStr", "paySign"):
            if name in found.get("bridge", {}):
                found["bridge"][name] = "…"
    return json.loads(json.dumps(found, default=str, ensure_ascii=False))


def lines_of(port: WalletPort, bill: BillToFetch) -> list[object]:
    """How the fetch ended, and every line of the bill."""
    into = io.BytesIO()
    found = port.fetch_bill(bill, into=into)
    into.seek(0)
    if not found.size:
        return [found.state]
    read = port.read_trades if bill.kind is BillKind.TRADES else port.read_funds
    return [found.state, found.size, found.sha256, *map(dataclasses.asdict, read(into))]


def _contract(given: Mapping[str, Any]) -> Contract:
    return Contract(Acquirer.WECHAT, given["sub_mchid"])


def _order(given: Mapping[str, Any], name: str, **changes: Any) -> OrderToOpen:
    now = datetime.fromisoformat(given["now"])
    values: dict[str, Any] = {
        "contract": _contract(given),
        "order_no": given[name],
        "amount": 1234,
        "description": "老王包子铺🥟",
        "notify_url": URL,
        "payer_ip": "203.0.113.7",
        "created_at": now,
        "expires_at": now + timedelta(minutes=15),
        "payer_id": given["openid"],
    }
    return OrderToOpen(**values | changes)


def _refund(given: Mapping[str, Any], amount: int) -> RefundToSend:
    number, paid = given["refund_no"], given["transaction_id"]
    return RefundToSend(_contract(given), number, given["paid_no"], paid, amount, 1234, "包子凉了", URL)


def _transfer(given: Mapping[str, Any]) -> TransferToSend:
    return TransferToSend(given["transfer_no"], given["openid"], 8800, "邻里返现", "十一月返现", URL)


def _bill(given: Mapping[str, Any], kind: BillKind) -> BillToFetch:
    return BillToFetch(kind, date.fromisoformat(given["day"]), _contract(given))


CONVERSATIONS: dict[str, Callable[[WalletPort, Mapping[str, Any]], object]] = {
    "an order is placed": lambda port, given: port.open_payment(_order(given, "open_no")),
    "another amount under its number": lambda port, given: port.open_payment(_order(given, "open_no", amount=1)),
    "it waits": lambda port, given: port.ask_payment(_contract(given), given["open_no"]),
    "it is closed": lambda port, given: port.close_payment(_contract(given), given["open_no"]),
    "it stays closed": lambda port, given: port.ask_payment(_contract(given), given["open_no"]),
    "an order nobody placed": lambda port, given: port.ask_payment(_contract(given), "Y0000000000000000"),
    "a paid order": lambda port, given: port.ask_payment(_contract(given), given["paid_no"]),
    "by WeChat's number": lambda port, given: port.ask_transaction(_contract(given), given["transaction_id"]),
    "a paid order is not closed": lambda port, given: port.close_payment(_contract(given), given["paid_no"]),
    "half is given back": lambda port, given: port.refund(_refund(given, 617)),
    "more than there is": lambda port, given: port.refund(dataclasses.replace(_refund(given, 1234), refund_no="R9")),
    "a refund nobody sent": lambda port, given: port.ask_refund(_contract(given), "R0000000000000000"),
    "cash for a person": lambda port, given: port.transfer(_transfer(given)),
    "it waits for him": lambda port, given: port.ask_transfer(given["transfer_no"]),
    "it is taken back": lambda port, given: port.cancel_transfer(given["transfer_no"]),
    "a transfer nobody sent": lambda port, given: port.ask_transfer("T0000000000000000"),
    "the account paid out to": lambda port, given: port.payout_account(_contract(given)),
    "another sub-merchant's": lambda port, given: port.payout_account(Contract(Acquirer.WECHAT, "1699999999")),
    "the bill of trades": lambda port, given: lines_of(port, _bill(given, BillKind.TRADES)),
    "the bill of his money": lambda port, given: lines_of(port, _bill(given, BillKind.MERCHANT_FUNDS)),
    "the bill of our money": lambda port, given: lines_of(port, _bill(given, BillKind.FUNDS)),
}


class Recorder(Transport):
    """A transport that writes down what went to and fro."""

    def __init__(self, base: str) -> None:
        super().__init__(addresses=(base,))
        self.base = base
        self.exchanges: list[dict[str, Any]] = []

    def send(
        self, name: str, method: str, url: str, *, budget: Budget, headers: Mapping[str, str], body: Any = None
    ) -> Answer:
        answer = super().send(name, method, url, budget=budget, headers=headers, body=body)
        self._keep(method, url, headers, body, answer, answer.body)
        return answer

    def receive(
        self,
        name: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        take: Callable[[bytes], None],
        most_bytes: int,
    ) -> Answer:
        content = bytearray()

        def both(piece: bytes) -> None:
            content.extend(piece)
            take(piece)

        answer = super().receive(name, url, budget=budget, headers=headers, take=both, most_bytes=most_bytes)
        self._keep("GET", url, headers, None, answer, answer.body or bytes(content))
        return answer

    def _keep(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, answer: Answer, content: bytes
    ) -> None:
        self.exchanges.append(
            {
                "method": method,
                "path": url[len(self.base) :],
                "sends": sorted(headers),
                "body": json.loads(body) if body else None,
                "status": answer.status,
                "headers": {
                    name: value
                    for name, value in answer.headers.items()
                    if name in _KEPT_HEADERS or name.startswith("wechatpay-")
                },
                "content": base64.b64encode(content).decode(),
            }
        )


def record() -> dict[str, Any]:
    """Hold every conversation with a sandbox of our own; gives what goes into the file."""
    ear = Ear()
    with tempfile.TemporaryDirectory() as folder, started(ear, Path(folder)) as url:
        section = requests.get(f"{url}/credentials", timeout=10).json()["wechat"]
        port = connectors({"wechat": section}, budget=20)[Acquirer.WECHAT]
        side = wechat_side(url, ear, {"wechat": section}, port)
        given, notices = _given(side), _notices(side)
        recorder = Recorder(section["gateway"])
        port._client._transport = port._payer._transport = recorder  # type: ignore[attr-defined]
        heard = []
        for name, hold in CONVERSATIONS.items():
            if name == "the bill of trades":
                _wait_for_bills(side, given)
            begun = len(recorder.exchanges)
            heard.append({"name": name, "told": told(lambda hold=hold: hold(port, given))})  # type: ignore[misc]
            heard[-1]["exchanges"] = recorder.exchanges[begun:]
    ear.close()
    return {"settings": section, "given": given, "notices": notices, "conversations": heard}


def _given(side: Side) -> dict[str, Any]:
    """The numbers of this sandbox that the conversations speak of."""
    order = side.order(amount=1234)
    side.accept_notices(order.order_no)
    side.pay(side.place(order))
    answer = side.port.ask_payment(side.contract, order.order_no)
    assert answer.paid_at is not None
    return {
        "now": datetime.now(UTC).isoformat(),
        "sub_mchid": side.contract.sub_merchant_no,
        "openid": order.payer_id,
        "paid_no": order.order_no,
        "transaction_id": answer.transaction_id,
        "open_no": f"{order.order_no}B",
        "refund_no": f"R{order.order_no[1:]}",
        "transfer_no": f"T{order.order_no[1:]}",
        "day": business_date(answer.paid_at).isoformat(),
    }


def _notices(side: Side) -> list[dict[str, Any]]:
    """One delivery of each kind, with what it tells."""
    order = side.order(amount=1234)
    side.accept_notices(order.order_no)
    side.pay(side.place(order))
    transaction_id = side.port.ask_payment(side.contract, order.order_no).transaction_id or ""
    refund_no, transfer_no = f"R{order.order_no}", f"T{order.order_no}"
    for number in (refund_no, transfer_no):
        side.accept_notices(number)
    side.port.refund(
        RefundToSend(
            side.contract, refund_no, order.order_no, transaction_id, 617, 1234, "凉了", side.notify_url(refund_no)
        )
    )
    side.port.transfer(
        TransferToSend(transfer_no, order.payer_id or "", 100, "返现", "返现", side.notify_url(transfer_no))
    )
    side.port.cancel_transfer(transfer_no)
    found = []
    for number in (order.order_no, refund_no, transfer_no):
        delivery = side.deliveries(number)[0]
        headers = {name: value for name, value in delivery.headers.items() if name.lower().startswith("wechatpay-")}
        notice = told(lambda delivery=delivery: side.read(delivery))  # type: ignore[misc]
        found.append({"headers": headers, "body": base64.b64encode(delivery.body).decode(), "told": notice})
    return found


def _wait_for_bills(side: Side, given: Mapping[str, Any]) -> None:
    day = date.fromisoformat(given["day"]) + timedelta(days=1)
    requests.post(f"{side.sandbox}/control/clock", json={"to": f"{day}T10:10:00+08:00"}, timeout=30).raise_for_status()


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(record(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{FILE}\n")
