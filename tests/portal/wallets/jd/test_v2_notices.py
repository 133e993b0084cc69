"""V2.0's notices: believed under JD's signature over the untouched text, and nothing but a rejection otherwise."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from Crypto.PublicKey import RSA
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.wallets.errors import NoticeRejected
from portal.wallets.port import Acquirer, Notice, PaymentState, Promotion, RefundState, Wallet, WalletPort
from portal.wallets.registry import connectors
from tests.portal.wallets.conftest import AGENT_NO, DES_KEY, MD5_KEY, NOW
from tests.portal.wallets.jd.by_hand import NOTICE_PROLOG, V2_MERCHANT_NO, JdSide, elements, outer

RESULT = "<result>    <code>000000</code>    <desc>success</desc>  </result>"
HEAD = f"  <version>V2.0</version>  <merchant>{V2_MERCHANT_NO}</merchant>  {RESULT}"
OWN = (
    "<pay><payType>0</payType><amount>1700</amount><currency>CNY</currency><tradeTime>20261121123105</tradeTime>"
    "<detail><bankCode>CMB</bankCode><payMoney>1700</payMoney></detail></pay>"
)
REDUCED = "<pay><payType>9</payType><amount>300</amount></pay>"
FACTS = {"tradeNum": "Y123456", "tradeType": "0", "note": "备注", "amount": "2000", "status": "2"}
PAID = f"{HEAD}{elements(FACTS)}<payList>{OWN}{REDUCED}</payList>"
REFUND_FACTS = {"tradeNum": "R1", "oTradeNum": "Y123456", "tradeType": "1", "amount": "500", "status": "2"}
REFUNDED = f"{HEAD}{elements(REFUND_FACTS)}<currency>CNY</currency><tradeTime>20261121123105</tradeTime>"


@pytest.fixture(scope="module")
def port(sections: dict[str, Any]) -> WalletPort:
    return connectors({"jd": sections["jd"]})[Acquirer.JDPAY]


@pytest.fixture(scope="module")
def reader(port: WalletPort, v2_keys: dict[str, str]) -> "Reader":
    return Reader(port, v2_keys)


class Reader:
    """Reads as the portal would: with the keys of one merchant, and of one whom the agent brought in."""

    def __init__(self, port: WalletPort, keys: dict[str, str]) -> None:
        self.port = port
        self.keys = {V2_MERCHANT_NO: keys, "110000001": {"des_key": DES_KEY, "md5_key": MD5_KEY}}

    def __call__(self, body: bytes) -> Notice:
        return self.port.read_notice(headers={}, body=body, now=NOW, keys_of=self.keys.get)

    def reason(self, body: bytes) -> str:
        with pytest.raises(NoticeRejected) as found:
            self(body)
        return found.value.reason


def told(side: JdSide, inner: str, **how: Any) -> bytes:
    return side.message(inner, prolog=NOTICE_PROLOG, **how)


def test_a_payment_is_told_with_what_jd_took_off(reader: Reader, jd_side: JdSide) -> None:
    notice = reader(told(jd_side, PAID))
    payment = notice.payment
    assert (notice.kind, notice.refund, len(notice.notice_id)) == ("PAYMENT.2", None, 36)
    assert payment is not None
    assert (payment.order_no, payment.transaction_id, payment.state) == ("Y123456", "Y123456", PaymentState.SUCCESS)
    assert (payment.amount, payment.payer_amount, payment.wallet) == (2000, 1700, Wallet.JDPAY)
    assert payment.promotions == (Promotion("jd-reduction", "", 300, "wallet"),)
    assert payment.paid_at == datetime(2026, 11, 21, 4, 31, 5, tzinfo=UTC)
    assert (payment.sub_merchant_no, payment.bank_type) == (V2_MERCHANT_NO, "CMB")


@pytest.mark.parametrize("pays", ["", "<payList></payList>"])
def test_without_a_list_the_payer_gave_it_all(reader: Reader, jd_side: JdSide, pays: str) -> None:
    payment = reader(told(jd_side, f"{HEAD}{elements(FACTS)}{pays}")).payment
    assert payment is not None
    assert (payment.payer_amount, payment.promotions, payment.paid_at) == (2000, (), None)


def test_a_refund_is_told_as_one(reader: Reader, jd_side: JdSide) -> None:
    notice = reader(told(jd_side, REFUNDED))
    refund = notice.refund
    assert (notice.kind, notice.payment) == ("REFUND.2", None)
    assert refund is not None
    assert (refund.refund_no, refund.order_no, refund.state) == ("R1", "Y123456", RefundState.SUCCESS)
    assert (refund.amount, refund.arrived_at) == (500, datetime(2026, 11, 21, 4, 31, 5, tzinfo=UTC))


@pytest.mark.parametrize("status", ["0", "1", "3", "4"])
def test_a_payment_that_is_none_yet_is_told_as_such(reader: Reader, jd_side: JdSide, status: str) -> None:
    payment = reader(told(jd_side, f"{HEAD}{elements(FACTS | {'status': status})}")).payment
    assert payment is not None
    assert (payment.state is not PaymentState.SUCCESS, payment.payer_amount, payment.transaction_id) == (
        True,
        None,
        None,
    )


def test_equal_facts_signed_again_are_the_same_notice(reader: Reader, jd_side: JdSide) -> None:
    first, again = reader(told(jd_side, PAID)), reader(told(jd_side, PAID.replace("  <", "<")))
    other = reader(told(jd_side, PAID.replace("Y123456", "Y123457")))
    assert first.notice_id == again.notice_id != other.notice_id


def test_the_text_is_proved_as_it_came_and_never_written_anew(reader: Reader, jd_side: JdSide) -> None:
    for prolog in (NOTICE_PROLOG, '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0"?>', ""):
        assert reader(jd_side.message(PAID, prolog=prolog)).payment
    assert reader(told(jd_side, PAID.replace("><", ">\n\t<"))).payment


@pytest.mark.parametrize(
    ("inner", "how", "reason"),
    [
        (PAID, {"merchant": "999"}, "unknown_key"),
        (PAID, {"merchant": "110000001"}, "unknown_key"),
        (PAID, {"merchant": AGENT_NO}, "foreign"),
        (PAID, {"merchant": "1' OR 1"}, "unreadable"),
        (PAID, {"merchant": ""}, "unreadable"),
        (PAID, {"des_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYY"}, "signature"),
        (PAID.replace(V2_MERCHANT_NO, "110290193004"), {}, "signature"),
        (PAID + "<sign>x</sign>", {}, "signature"),
        (f"<!DOCTYPE x>{PAID}", {}, "signature"),
        (PAID.replace("<code>000000", "<code>000001"), {}, "unknown_kind"),
        (PAID.replace("<tradeType>0", "<tradeType>2"), {}, "unknown_kind"),
        (PAID.replace("<status>2", "<status>9"), {}, "unreadable"),
        (PAID.replace("<amount>2000", "<amount>20.00"), {}, "unreadable"),
        (PAID.replace("<amount>1700", "<amount>2001"), {}, "unreadable"),
        (PAID.replace("20261121123105", "20261399999999"), {}, "unreadable"),
        (PAID.replace("<tradeNum>Y123456</tradeNum>", ""), {}, "unreadable"),
        (PAID.replace("<tradeNum>", "<tradeNum>Y2</tradeNum><tradeNum>"), {}, "unreadable"),
    ],
)
def test_it_refuses_what_proves_nothing(
    reader: Reader, jd_side: JdSide, inner: str, how: dict[str, Any], reason: str
) -> None:
    assert reader.reason(told(jd_side, inner, **how)) == reason


def test_another_key_signs_nothing(reader: Reader, jd_side: JdSide) -> None:
    assert reader.reason(told(jd_side, PAID, key=RSA.generate(1024))) == "signature"  # noqa: S505
    assert reader.reason(told(jd_side, PAID, key=jd_side.merchant_key)) == "signature"


def test_a_merchants_aggregate_notice_needs_its_own_keys(reader: Reader) -> None:
    assert reader.reason(b'{"merchantNo":"%s","cipherJson":"00","sign":"x"}' % V2_MERCHANT_NO.encode()) == "unknown_key"


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b"<jdpay/>",
        b"  <jdpay></jdpay>",
        outer(None),
        outer(""),
        outer("!!"),
        outer("AAAA"),
        b'<!DOCTYPE jdpay [<!ENTITY x SYSTEM "file:///etc/passwd">]><jdpay><merchant>&x;</merchant></jdpay>',
        b"<jdpay>" + b"<a>" * 30000,
    ],
)
def test_hostile_bytes_are_refused_in_no_time(reader: Reader, body: bytes) -> None:
    started = time.perf_counter()
    assert reader.reason(body) in ("unreadable", "signature")
    assert time.perf_counter() - started < 0.05


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FUZZ
@given(body=st.binary(max_size=300).map(lambda raw: b"<" + raw))
def test_any_bytes_are_rejected(reader: Reader, body: bytes) -> None:
    assert reader.reason(body)


@FUZZ
@given(data=st.data())
def test_any_changed_byte_is_rejected_or_changes_nothing(reader: Reader, jd_side: JdSide, data: st.DataObject) -> None:
    body = bytearray(told(jd_side, PAID))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        notice = reader(bytes(body))
    except NoticeRejected:
        return
    assert notice == reader(told(jd_side, PAID))


@FUZZ
@given(inner=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_anything_under_jds_own_seal_is_read_or_rejected(reader: Reader, jd_side: JdSide, inner: str) -> None:
    for content in (inner, f"{HEAD}{inner}", f"{HEAD}<amount>{inner}</amount>{elements(FACTS)}"):
        assert reader.reason(told(jd_side, content)) in ("unreadable", "signature", "unknown_kind")
