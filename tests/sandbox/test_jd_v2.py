"""JD Pay V2.0: orders, forms, notices, refunds and revocations, judged by a client on another library."""

import contextlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.jd.v2 import crypto
from tests.sandbox import jd_merchant
from tests.sandbox.jd_merchant import Mailbox, OwnMerchant, eventually, served, started, turn

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
DONE = "000000"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with started(tmp_path_factory.mktemp("jd"), SANDBOX_URL="http://127.0.0.1:8001") as app:
        turn(app, refund_seconds=0, retry_speed=1000)
        yield app


@pytest.fixture
def merchant(app):
    return OwnMerchant(app)


@pytest.fixture
def mailbox():
    box = Mailbox()
    with served(box) as address:
        box.url = f"{address}/notify/jdpay"
        yield box


@pytest.fixture
def number():
    return f"V{time.time_ns()}"


def arm(app, name, **about):
    wish = {"institution": "jd", "name": name, **about}
    assert app.test_client().post("/control/faults", json=wish).status_code < 300


def test_the_seals_give_the_known_answers():
    assert crypto.seal_hex("hello", KEY) == "8b52b9eedef07498e387f09d932a4e64"
    assert crypto.seal_hex("京东支付", KEY) == "3e1599fe5622d41629f8230aa7a6c262"
    assert crypto.seal("hello", KEY) == "OGI1MmI5ZWVkZWYwNzQ5OGUzODdmMDlkOTMyYTRlNjQ="
    assert crypto.unseal("OGI1MmI5ZWVkZWYwNzQ5OGUzODdmMDlkOTMyYTRlNjQ=", KEY) == "hello"


@given(st.text(max_size=60))
def test_both_implementations_seal_alike(text):
    sealed = jd_merchant.encrypted_with_length(text.encode(), KEY)
    assert crypto.seal_hex(text, KEY) == sealed
    assert crypto.unseal_hex(sealed, KEY) == text


def test_both_implementations_sign_alike(merchant):
    private = merchant.credentials["rsa_private_key"]
    public = jd_merchant.RSA.import_key(private).public_key().export_key().decode()
    for text in ("", "<jdpay>京东</jdpay>", "a=1&b=2"):
        signature = crypto.sign(text, private)
        assert signature == jd_merchant.rsa_signed(text.encode(), private)
        assert crypto.signed(text, signature, public)
        assert not crypto.signed(text + " ", signature, public)
    assert not crypto.signed("x", "no base64", public)
    assert not crypto.signed("x", "QUJD", public)


def test_an_order_is_paid_by_its_code_and_told(merchant, mailbox, number):
    placed = merchant.order(number, 1690, notifyUrl=mailbox.url, device="111", expireTime="600")
    assert placed.findtext("result/code") == DONE
    assert (placed.findtext("tradeNum"), placed.findtext("expireTime")) == (number, "600")
    assert placed.findtext("merchantName") == "一码示范直营店"
    assert placed.findtext("orderId")
    asked = merchant.call("query", tradeNum=number, tradeType="0")
    assert (asked.findtext("status"), asked.find("payList")) == ("0", None)
    assert "付款成功" in merchant.pay(placed.findtext("qrCode"))
    raw = eventually(lambda: mailbox.raw and mailbox.raw[0])
    assert raw.startswith(b'<?xml version="1.0" encoding="UTF-8" ?><jdpay>  <version>V2.0</version>  <merchant>')
    for told in (merchant.opened(raw), merchant.call("query", tradeNum=number, tradeType="0")):
        names = ("tradeNum", "tradeType", "status", "amount", "device", "note", "merchant", "result/code")
        assert [told.findtext(name) for name in names] == [
            *(number, "0", "2", "1690", "111", "一号摊", merchant.merchant_no, DONE),
        ]
        assert told.findtext("payList/pay/amount") == "1690"
        assert re.fullmatch(r"\d{14}", told.findtext("payList/pay/tradeTime"))


def test_the_signature_of_a_notice_stands_in_the_middle(merchant, mailbox, number):
    merchant.pay(merchant.order(number, notifyUrl=mailbox.url).findtext("qrCode"))
    raw = eventually(lambda: mailbox.raw and mailbox.raw[0])
    sealed = re.search(rb"<encrypt>(.*)</encrypt>", raw)[1]
    key = merchant.credentials["v2_des_key"]
    inner = jd_merchant.decrypted_with_length(jd_merchant.base64.b64decode(sealed).decode(), key).decode()
    assert inner.startswith('<?xml version="1.0" encoding="UTF-8" ?><jdpay><version>V2.0</version>')
    assert re.search(r"<tradeType>0</tradeType><sign>[^<]+</sign><amount>", inner)


@pytest.mark.parametrize("answer", ["success", "ok"])
def test_a_notice_is_repeated_until_it_is_taken(merchant, mailbox, number, answer):
    mailbox.answers = [(500, ""), (200, "fail"), (200, answer)]
    merchant.pay(merchant.order(number, notifyUrl=mailbox.url).findtext("qrCode"))
    eventually(lambda: len(mailbox.raw) == 3)
    time.sleep(0.3)
    assert len(mailbox.raw) == 3


def test_the_same_order_again_is_the_same_and_another_is_refused(merchant, number):
    first, again = merchant.order(number), merchant.order(number)
    assert first.findtext("orderId") == again.findtext("orderId")
    assert merchant.order(number, 501).findtext("result/code") == "100005"
    merchant.pay(first.findtext("qrCode"))
    assert merchant.order(number).findtext("result/code") == "100003"


def test_an_app_gets_no_code(merchant, number):
    placed = merchant.order(number, tradeType="GEN")
    assert placed.findtext("qrCode") is None
    assert placed.findtext("orderId")


@pytest.mark.parametrize("path", ["h5pay/jdpay/saveOrder", "wepay/jdpay/saveOrder", "h5pay/jdpay/customerPay"])
def test_a_browser_brings_an_order_and_takes_the_result_back(merchant, number, path):
    form = merchant.form(merchant.order_fields(number, 990, callbackUrl="https://shop.example/back", tradeType=""))
    answer = merchant.http.post(f"/jd/{path}", data=form)
    assert answer.status_code == 303
    page = merchant.pay(answer.headers["Location"])
    assert 'action="https://shop.example/back"' in page
    back = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page))
    told = merchant.returned({name: value.replace("&#43;", "+") for name, value in back.items()})
    assert told == {
        "tradeNum": number,
        "amount": "990",
        "currency": "CNY",
        "tradeTime": "20261121123109",
        "note": "一号摊",
        "status": "0",
    }


def test_the_payer_types_the_amount_of_an_open_code(merchant, number):
    form = merchant.form(merchant.order_fields(number, "", tradeType="CUST"))
    code = merchant.http.post("/jd/h5pay/jdpay/customerPay", data=form).headers["Location"]
    for typed in ("", "0", "abc", "-1", "1.234", "50000.01", "1.", "１２"):
        assert 'role="alert"' in merchant.pay(code, amount=typed)
    assert merchant.call("query", tradeNum=number, tradeType="0").findtext("status") == "0"
    assert "付款成功" in merchant.pay(code, amount="12.5")
    assert merchant.call("query", tradeNum=number, tradeType="0").findtext("amount") == "1250"


def test_a_form_that_was_changed_on_the_way_places_nothing(merchant, number):
    fields = merchant.order_fields(number, 990)
    good = merchant.form(fields)
    cheaper = {**good, "amount": jd_merchant.encrypted_with_length(b"1", merchant.credentials["v2_des_key"])}
    for bad in (cheaper, {**good, "sign": "QUJD"}, {**good, "amount": "00"}, {**good, "merchant": "110000000000"}, {}):
        answer = merchant.http.post("/jd/h5pay/jdpay/saveOrder", data=bad)
        assert answer.status_code == 400
        assert "没有扣您的钱" in answer.text
    assert merchant.call("query", tradeNum=number, tradeType="0").findtext("result/code") == "100002"


def test_a_refund_is_taken_arrives_and_is_told(app, merchant, mailbox, number):
    turn(app, refund_seconds=1000)
    merchant.pay(merchant.order(number, 1000).findtext("qrCode"))
    taken = merchant.back("refund", f"R{number}", number, 300, notifyUrl=mailbox.url)
    assert [taken.findtext(name) for name in ("status", "tradeNum", "oTradeNum", "amount")] == [
        *("1", f"R{number}", number, "300"),
    ]
    again = merchant.back("refund", f"R{number}", number, 300, notifyUrl=mailbox.url)
    assert again.findtext("status") == "1"
    assert merchant.back("refund", f"R{number}", number, 301).findtext("result/code") == "100012"
    assert merchant.back("refund", f"S{number}", number, 701).findtext("result/code") == "100013"
    turn(app, refund_seconds=0)
    with app.extensions["store"].writing() as connection:
        connection.execute("UPDATE jd_refunds SET due_at = 0 WHERE out_refund_no = ?", (f"R{number}",))
    raw = eventually(lambda: mailbox.raw and mailbox.raw[0])
    for told in (merchant.opened(raw), merchant.call("query", tradeNum=f"R{number}", oTradeNum=number, tradeType="1")):
        names = ("status", "tradeType", "tradeNum", "oTradeNum", "amount", "currency")
        assert [told.findtext(name) for name in names] == ["2", "1", f"R{number}", number, "300", "CNY"]
    listed = merchant.call("queryRefund", oTradeNum=number, tradeType="1")
    assert [one.findtext("status") for one in listed.findall("refList/refund")] == ["2"]
    assert listed.findtext("refList/refund/tradeNum") == f"R{number}"


@pytest.mark.parametrize(("fault", "status"), [("refund_abnormal", "3"), ("refund_closed", "4")])
def test_a_refund_that_fails_says_how_and_can_be_made_again(app, merchant, number, fault, status):
    merchant.pay(merchant.order(number, 1000).findtext("qrCode"))
    arm(app, fault, number=f"R{number}")
    merchant.back("refund", f"R{number}", number, 1000)

    def state(refund):
        return merchant.call("query", tradeNum=refund, tradeType="1").findtext("status")

    eventually(lambda: state(f"R{number}") == status)
    merchant.back("refund", f"S{number}", number, 1000)
    eventually(lambda: state(f"S{number}") == "2")


def test_an_unpaid_order_is_revoked_and_a_paid_one_goes_back_whole(merchant, number):
    code = merchant.order(number, 800).findtext("qrCode")
    assert merchant.back("revoke", f"C{number}", number, 799).findtext("result/code") == "100001"
    assert merchant.back("revoke", f"C{number}", number, 800).findtext("status") == "2"
    assert merchant.call("query", tradeNum=number, tradeType="0").findtext("status") == "4"
    assert "没有扣您的钱" in merchant.pay(code)
    other = f"{number}B"
    merchant.pay(merchant.order(other, 800).findtext("qrCode"))
    assert merchant.back("revoke", f"C{other}", other, 800).findtext("status") in ("1", "2")
    eventually(
        lambda: merchant.call("query", tradeNum=f"C{other}", tradeType="1").findtext("status") == "2",
    )


@pytest.mark.parametrize(
    ("service", "fields", "code"),
    [
        ("query", {"tradeNum": "NOTHING", "tradeType": "0"}, "100002"),
        ("query", {"tradeNum": "NOTHING", "tradeType": "1"}, "100011"),
        ("query", {"tradeNum": "NOTHING", "tradeType": "2"}, "100001"),
        ("query", {"tradeType": "0"}, "100001"),
        ("queryRefund", {"oTradeNum": "NOTHING"}, "100002"),
        ("fkmPay", {"token": "12345", "tradeNum": "X"}, "100021"),
        ("getUserRelation", {"userId": "x"}, "100021"),
    ],
)
def test_what_cannot_be_is_refused_under_seal(merchant, service, fields, code):
    answer = merchant.post(service, merchant.message(fields))
    assert b"<encrypt>" in answer.data
    assert merchant.opened(answer.data).findtext("result/code") == code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("amount", value) for value in ("0", "-1", "", "0.01", "1e3", "１", "9" * 12)],
        *[("currency", "USD"), ("orderType", "2"), ("tradeTime", "2026"), ("tradeTime", "20261399000000")],
        *[("tradeNum", "a b"), ("tradeNum", ""), ("tradeName", ""), ("notifyUrl", "ftp://x"), ("expireTime", "0")],
        *[("expireTime", "x"), ("tradeType", "CUST"), ("payMerchant", "110000000000"), ("callbackUrl", "javascript:1")],
    ],
)
def test_it_refuses_values_out_of_range(merchant, number, field, value):
    fields = {**merchant.order_fields(number), field: value}
    refused = merchant.call("uniorder", **fields)
    assert refused.findtext("result/code") == "100001"


def test_it_refuses_whatever_cannot_be_trusted(app, merchant, number):
    good = merchant.message(merchant.order_fields(number))
    fields = merchant.order_fields(number)
    stranger = OwnMerchant(app, v2_merchant_no=merchant.credentials["merchant_no"])
    tabbed = merchant.message({**fields, "note": "a\tb"})
    spoilt = {
        "900001": [b"", b"<jdpay>", b"{}", good.replace("</encrypt>", ""), good.replace("<jdpay>", "<x>", 1), "\x00"],
        "900002": [stranger.message(fields)],
        "900003": [good.replace("<encrypt>", "<encrypt>QUJD"), re.sub("<encrypt>.*</encrypt>", "<encrypt/>", good)],
        "900004": [merchant.message(fields, signature="QUJD"), merchant.outer("<jdpay><a>1</a></jdpay>"), tabbed],
        "900005": [merchant.message({**fields, "merchant": "110000000000"})],
        "900006": [good.replace("V2.0", "V1.0", 1), merchant.message({**fields, "version": "V3.0"})],
    }
    for code, bodies in spoilt.items():
        for body in bodies:
            answer = merchant.post("uniorder", body)
            assert answer.status_code == 200
            assert b"<encrypt>" not in answer.data
            assert merchant.opened(answer.data).findtext("result/code") == code
    assert merchant.call("query", tradeNum=number, tradeType="0").findtext("result/code") == "100002"


def test_no_entity_is_expanded_and_nothing_is_fetched(merchant, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("V2.0")
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    for declaration in (
        f'<!DOCTYPE jdpay [<!ENTITY a0 "x">{bomb}]>',
        f'<!DOCTYPE jdpay [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        '<!DOCTYPE jdpay SYSTEM "http://127.0.0.1:9/x.dtd">',
        "<?xml-stylesheet href='x'?>",
    ):
        body = f"{declaration}<jdpay><version>V2.0</version><merchant>&x;&a8;</merchant><encrypt>x</encrypt></jdpay>"
        begun = time.monotonic()
        answer = merchant.post("query", body)
        assert merchant.opened(answer.data).findtext("result/code") == "900001"
        assert time.monotonic() - begun < 1


def test_a_body_that_is_too_long_is_not_read(merchant):
    assert merchant.post("query", b"<jdpay>" + b" " * 70_000).status_code == 413
    form = {"version": "V2.0", "note": "0" * 70_000}
    assert merchant.http.post("/jd/h5pay/jdpay/saveOrder", data=form).status_code == 413


def test_what_is_not_there_is_not_there(merchant):
    assert merchant.post("nothing", b"").status_code == 404
    assert merchant.http.get("/jd/paygate/service/query").status_code in (404, 405)


def test_faults_hit_its_calls_and_its_notices(app, merchant, mailbox, number):
    turn(app, hold_seconds=0)
    arm(app, "refuse", operation="order", number=number)
    assert merchant.order(number).findtext("result/code") == "100099"
    arm(app, "system_error", operation="query", number=number)
    assert merchant.post("query", merchant.message({"tradeNum": number, "tradeType": "0"})).status_code == 500
    arm(app, "bad_answer_signature", operation="order", number=number)
    with pytest.raises(AssertionError):
        merchant.order(number, notifyUrl=mailbox.url)
    arm(app, "notify_bad_signature", number=number)
    arm(app, "notify_twice", number=number)
    mailbox.answers = [(500, "")]
    merchant.pay(merchant.order(number, notifyUrl=mailbox.url).findtext("qrCode"))
    eventually(lambda: len(mailbox.raw) == 3)
    good = 0
    for raw in mailbox.raw:
        with contextlib.suppress(AssertionError):
            good += merchant.opened(raw).findtext("status") == "2"
    assert good == 2


def test_a_refund_cannot_be_paid_from_an_empty_account(app, merchant, number):
    merchant.pay(merchant.order(number, 1000).findtext("qrCode"))
    arm(app, "not_enough", number=number)
    assert merchant.back("refund", f"R{number}", number, 10).findtext("result/code") == "100014"
    assert merchant.back("refund", f"R{number}", number, 10).findtext("result/code") == DONE
