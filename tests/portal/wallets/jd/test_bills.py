"""JD's bill: which file is asked for, a ZIP that cannot hurt, and lines that are read to the fen or not at all."""

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import md5, sha256
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch, BillUnreadable, LineKind, TradeLine
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import bills
from portal.wallets.jdpay.bill_lines import read_trades
from portal.wallets.jdpay.settings import JdSettings, read_settings
from portal.wallets.port import Acquirer, Contract, Wallet
from portal.wallets.transport import Answer, Budget, Transport
from tests.portal.wallets.conftest import AGENT_NO, DES_KEY, MD5_KEY, MERCHANT_NO
from tests.portal.wallets.jd.by_hand import V2_MERCHANT_NO

DAY = date(2026, 11, 20)
HEADER = ",".join(f"列{n}" for n in range(19))


class Bapi(Transport):
    """The host of bills with one prepared answer."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        super().__init__(addresses=())
        self.body, self.status = body, status
        self.asked: list[tuple[str, dict[str, str]]] = []

    def receive(
        self,
        name: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        take: Callable[[bytes], object],
        most_bytes: int,
        form: bytes | None = None,
    ) -> Answer:
        self.asked.append((url, {key: values[0] for key, values in parse_qs((form or b"").decode()).items()}))
        if self.status == 200:
            for at in range(0, len(self.body), 1000):
                take(self.body[at : at + 1000])
        return Answer(self.status, {}, b"")


def packed(*files: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{number}.csv", content)
    return whole.getvalue()


def fetched(
    settings: JdSettings, contract: Contract | None, bapi: Bapi, kind: BillKind = BillKind.TRADES
) -> BillAnswer:
    fetched.into = io.BytesIO()  # type: ignore[attr-defined]
    return bills.fetch_bill(
        settings,
        bapi,
        BillToFetch(kind, DAY, contract),
        into=fetched.into,
        budget=Budget(5),  # type: ignore[attr-defined]
    )


def line(**changes: str) -> bytes:
    cells = {
        "order": '="Y123456"\t',
        "number": '="JP1"\t',
        "amount": "20.00",
        "way": "京东支付",
        "business": "消费",
        "state": "成功",
        "refunded": "0.00",
        "promotions": "3.00",
        "traded": "2026-11-20 12:31:05",
        "finished": "2026-11-20 12:31:09",
        "refund": "",
        "fee": "0.08",
        "account": "海淀区老王包子铺",
        "merchant": f'="{V2_MERCHANT_NO}"\t',
        "memo": "",
        "memo2": "",
        "bank": "招商银行",
        "third": "-1",
        "exchange": '="1"\t',
    }
    return (",".join((cells | changes).values()) + "\r\n").encode("gbk")


REFUND = {
    "amount": "-10.00",
    "business": "退款",
    "refunded": "10.00",
    "promotions": "-1.50",
    "refund": '="R1"\t',
    "fee": "-0.04",
}


def table(*lines: bytes) -> bytes:
    return HEADER.encode("gbk") + b"\r\n" + b"".join(lines)


def test_a_merchant_with_his_own_contract_asks_for_his_own_file(settings: JdSettings, contract: Contract) -> None:
    content = table(line())
    bapi = Bapi(packed(content))
    answer = fetched(settings, contract, bapi)
    assert answer == BillAnswer(BillState.READY, len(content), sha256(content).hexdigest())
    assert fetched.into.getvalue() == content  # type: ignore[attr-defined]
    url, form = bapi.asked[0]
    assert url == "https://bapi.jdpay.com/api/download.do"
    assert form["owner"] == V2_MERCHANT_NO[:9]
    assert json.loads(base64.b64decode(form["data"])) == {
        "name": f"20261120ordercreate_{V2_MERCHANT_NO}.zip",
        "path": "0001/0001",
    }
    assert form["md5"] == md5((form["data"] + "billkey").encode()).hexdigest()


def test_a_merchant_of_the_agent_is_asked_for_under_the_agents_number(sections: dict[str, Any]) -> None:
    settings = read_settings(sections["jd"] | {"bill_key": "agentkey"})
    contract = Contract(Acquirer.JDPAY, MERCHANT_NO, {"des_key": DES_KEY, "md5_key": MD5_KEY})
    bapi = Bapi(packed(table(line())))
    assert fetched(settings, contract, bapi).state is BillState.READY
    _, form = bapi.asked[0]
    assert form["owner"] == AGENT_NO
    assert form["md5"] == md5((form["data"] + "agentkey").encode()).hexdigest()


def test_what_jd_has_no_file_for_is_not_asked_for(settings: JdSettings, contract: Contract) -> None:
    bapi = Bapi(b"")
    for asked, kind in (
        (contract, BillKind.FUNDS),
        (contract, BillKind.MERCHANT_FUNDS),
        (None, BillKind.TRADES),
        (Contract(Acquirer.JDPAY, MERCHANT_NO, {"des_key": DES_KEY}), BillKind.TRADES),
        (Contract(Acquirer.JDPAY, V2_MERCHANT_NO, {"v2_des_key": DES_KEY}), BillKind.TRADES),
    ):
        assert fetched(settings, asked, bapi, kind).state is BillState.NOT_PERMITTED
    assert bapi.asked == []
    with pytest.raises(WalletRefused):
        fetched(settings, Contract(Acquirer.JDPAY, AGENT_NO, contract.keys), bapi)


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, WalletRefused), (400, WalletRefused), (500, WalletUnavailable), (429, WalletUnavailable)],
)
def test_an_answer_that_is_no_file_says_why(
    settings: JdSettings, contract: Contract, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        fetched(settings, contract, Bapi(b"", status))
    assert fetched(settings, contract, Bapi(b"", 404)).state is BillState.NOT_READY


def test_a_bill_of_a_header_alone_is_an_empty_day(settings: JdSettings, contract: Contract) -> None:
    for content in (table(), HEADER.encode("gbk"), b""):
        assert fetched(settings, contract, Bapi(packed(content))).state is BillState.EMPTY


def damaged() -> bytes:
    whole = bytearray(packed(table(line()) * 50))
    whole[60] ^= 0xFF
    return bytes(whole)


def many() -> bytes:
    return packed(*[b"x"] * 200)


def locked() -> bytes:
    whole = bytearray(packed(table(line())))
    whole[6] |= 1
    whole[whole.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(whole)


def endless_list() -> bytes:
    whole = bytearray(packed(table(line())))
    struct.pack_into("<L", whole, whole.rfind(b"PK\x05\x06") + 12, 2**31)
    return bytes(whole)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"code":"no file"}',
        damaged(),
        many(),
        locked(),
        endless_list(),
        packed(b"a", b"b"),
        packed(),
        packed(table(line()), method=zipfile.ZIP_BZIP2),
        packed(table(line()))[:-8],
        packed(bytes(50 * 1024 * 1024)),
        packed(packed(bytes(9 * 1024 * 1024))[:200] + bytes(3 * 1024 * 1024)),
    ],
    ids=range(13),
)
def test_a_zip_that_is_no_bill_hurts_nobody(settings: JdSettings, contract: Contract, body: bytes) -> None:
    with pytest.raises((WalletUnknown, WalletUnavailable)):
        fetched(settings, contract, Bapi(body))
    assert len(fetched.into.getvalue()) <= bills.MOST_SHRUNK * max(len(body), 11_000)  # type: ignore[attr-defined]


def read(content: bytes) -> list[TradeLine]:
    return list(read_trades(io.BytesIO(content)))


def test_a_payment_and_a_refund_are_read_to_the_fen() -> None:
    payment, refund = read(table(line(), line(**REFUND)))
    assert payment == TradeLine(
        acquirer=Acquirer.JDPAY,
        kind=LineKind.PAYMENT,
        sub_merchant_no=V2_MERCHANT_NO,
        order_no="Y123456",
        transaction_id="JP1",
        at=datetime(2026, 11, 20, 4, 31, 9, tzinfo=UTC),
        amount=2000,
        payer_amount=1700,
        fee=Decimal("8.00"),
        state="success",
        wallet=Wallet.JDPAY,
    )
    assert (refund.kind, refund.refund_no, refund.amount, refund.payer_amount, refund.fee) == (
        LineKind.REFUND,
        "R1",
        1000,
        850,
        Decimal("-4.00"),
    )


def test_lines_are_read_with_or_without_header_blank_lines_and_last_columns() -> None:
    short = b",".join(line().rstrip().split(b",")[:17]) + b"\n"
    assert len(read(line() + b"\r\n" + short)) == 2
    assert read(table()) == []
    assert read(b"") == []


def test_a_revocation_is_told_apart() -> None:
    (found,) = read(table(line(**(REFUND | {"business": "撤销"}))))
    assert found.kind is LineKind.REVOCATION


def test_who_paid_is_told_only_where_the_bill_knows_the_word() -> None:
    ways = ("京东支付", "微信支付", "云闪付", "")
    assert [found.wallet for found in read(table(*[line(way=way) for way in ways]))] == [
        Wallet.JDPAY,
        Wallet.WECHAT,
        Wallet.UNKNOWN,
        Wallet.UNKNOWN,
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"business": "充值"}, "business"),
        ({"state": "?"}, "state"),
        ({"amount": "2e1x"}, "amount"),
        ({"amount": "20.001"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "9" * 20}, "amount"),
        ({"fee": "Infinity"}, "amount"),
        ({"promotions": "20.01"}, "promotions"),
        ({"order": ""}, "no order"),
        ({"finished": "yesterday"}, "moment"),
        ({"finished": "9999-99-99 00:00:00"}, "moment"),
        ({"refund": "", "business": "退款"}, "without a number"),
        ({"exchange": "1,2"}, "columns"),
        ({"bank": '"open'}, "expected after"),
        ({"bank": "x" * 20_000}, "endless"),
    ],
)
def test_a_line_that_is_not_as_described_is_named(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(BillUnreadable, match=reason) as found:
        read(table(line(), line(**changes)))
    assert found.value.line >= 2


def test_text_that_is_not_gbk_is_named() -> None:
    with pytest.raises(BillUnreadable, match="GBK"):
        read(table(line(bank="x").replace(b"x", b"\xff\xff")))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read(content)
    except BillUnreadable:
        return


@given(st.integers(0, 18), st.text(alphabet=st.characters(codec="gbk", exclude_characters="\r\n,"), max_size=12))
def test_any_changed_cell_is_read_or_named(at: int, value: str) -> None:
    cells = line().rstrip().split(b",")
    cells[at] = value.encode("gbk")
    try:
        (found,) = read(table(b",".join(cells) + b"\r\n")) or [None]
    except BillUnreadable:
        return
    assert found is None or found.payer_amount <= found.amount
