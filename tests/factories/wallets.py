"""A wallet under the test's hand: it answers what it is told to, and remembers what it was asked."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from portal.wallets.applications import ApplicationAnswer, ApplicationState, ApplicationToSend
from portal.wallets.bills import (
    BillAnswer,
    BillKind,
    BillState,
    BillToFetch,
    BulkTrades,
    FundLine,
    TradeLine,
    TradeSummary,
)
from portal.wallets.errors import NoticeRejected
from portal.wallets.jdpay.bill_lines import read_trades as jd_trades
from portal.wallets.port import (
    Acquirer,
    BrowserReturn,
    Contract,
    KeysOf,
    Notice,
    Opening,
    OpeningKind,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    RefundAnswer,
    RefundState,
    RefundToSend,
)
from portal.wallets.wechat.bill_bulk import bulk_of as wechat_bulk
from portal.wallets.wechat.bill_kinds import read_funds as wechat_funds
from portal.wallets.wechat.bill_kinds import read_trades as wechat_trades


@dataclass
class ScriptedWallet:
    """Implements the port. Put an answer or an exception into `script[method]`; without one it is agreeable."""

    acquirer: Acquirer
    script: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, object]] = field(default_factory=list)
    notices: dict[bytes, Notice] = field(default_factory=dict)

    def _answer(self, method: str, question: object, otherwise: object) -> object:
        self.asked.append((method, question))
        answer = self.script.get(method, otherwise)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else otherwise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def apply(self, application: ApplicationToSend) -> ApplicationAnswer:
        return self._answer("apply", application, ApplicationAnswer(ApplicationState.AUDITING))

    def application_status(self, application: ApplicationToSend) -> ApplicationAnswer:
        finished = ApplicationAnswer(ApplicationState.FINISHED, sub_merchant_no=f"sub{application.reference}"[:20])
        return self._answer("application_status", application, finished)

    def payer_login_url(self, *, return_url: str, state: str) -> str | None:
        return f"https://login.example/?state={state}" if self.acquirer is Acquirer.WECHAT else None

    def payer_id_of(self, login_code: str) -> str:
        return self._answer("payer_id_of", login_code, f"openid-{login_code}")

    def open_payment(self, order: OrderToOpen) -> Opening:
        bridge = Opening(OpeningKind.BRIDGE, bridge={"package": f"prepay_id={order.order_no}", "signType": "RSA"})
        redirect = Opening(OpeningKind.REDIRECT, url=f"https://cashier.example/{order.order_no}")
        return self._answer("open_payment", order, bridge if self.acquirer is Acquirer.WECHAT else redirect)

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        unpaid = PaymentAnswer(self.acquirer, order_no, PaymentState.UNPAID, contract.sub_merchant_no)
        return self._answer("ask_payment", order_no, unpaid)

    def read_return(self, contract: Contract, fields: Mapping[str, str]) -> BrowserReturn:
        return self._answer("read_return", dict(fields), BrowserReturn(fields.get("tradeNum", ""), says_paid=True))

    def close_payment(self, contract: Contract, order_no: str) -> None:
        self._answer("close_payment", order_no, None)

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        accepted = RefundAnswer(
            self.acquirer,
            refund.refund_no,
            RefundState.PROCESSING,
            refund.contract.sub_merchant_no,
            amount=refund.amount,
        )
        return self._answer("refund", refund, accepted)

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        arrived = RefundAnswer(self.acquirer, refund_no, RefundState.SUCCESS, contract.sub_merchant_no)
        return self._answer("ask_refund", refund_no, arrived)

    def fetch_bill(self, bill: BillToFetch, *, into: BinaryIO) -> BillAnswer:
        """`script["fetch_bill"]`: the bill's bytes, an answer without any, or an exception. `fetch_funds` for funds."""
        if bill.kind is BillKind.TRADES:
            told = self._answer("fetch_bill", bill, BillAnswer(BillState.NOT_READY))
        else:
            told = self._answer("fetch_funds", bill, BillAnswer(BillState.NOT_PERMITTED))
        if not isinstance(told, bytes):
            return told
        into.write(told)
        return BillAnswer(BillState.READY, len(told), hashlib.sha256(told).hexdigest())

    def read_trades(self, bill: BinaryIO) -> Iterator[TradeLine | TradeSummary]:
        return (wechat_trades if self.acquirer is Acquirer.WECHAT else jd_trades)(bill)

    def bulk_trades(self, bill: Path) -> BulkTrades | None:
        return wechat_bulk(bill) if self.acquirer is Acquirer.WECHAT else None

    def read_funds(self, bill: BinaryIO) -> Iterator[FundLine]:
        return wechat_funds(bill)

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime, keys_of: KeysOf) -> Notice:
        if body not in self.notices:
            raise NoticeRejected("bad_signature")
        return self.notices[body]

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        status = 204 if accepted else 401 if reason == "bad_signature" else 503
        return status, "application/json", "" if accepted else '{"code":"FAIL"}'
