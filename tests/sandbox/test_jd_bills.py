"""Bills and settlements of both contracts, on a clock that moves."""

from datetime import timedelta

import pytest

from sandbox import clock
from tests.sandbox.jd_merchant import Merchant, OwnMerchant, bill_form, eventually, started, turn


@pytest.fixture
def app(tmp_path):
    with started(tmp_path) as app:
        turn(app, refund_seconds=0)
        yield app


def control(app, path, **wish):
    answer = app.test_client().post(f"/control/{path}", json=wish)
    assert answer.status_code < 300, answer.text


def today(app):
    with app.extensions["store"].reading() as connection:
        return clock.beijing(clock.now(connection)).date()


def traded(app):
    """A payment of each contract, and a refund of half of the own one's; gives the day."""
    day = today(app)
    own, agent = OwnMerchant(app), Merchant(app)
    own.pay(own.order("A1", 2000).findtext("qrCode"))
    agent.pay(agent.order("B1", 1234))
    own.back("refund", "R1", "A1", 1000)
    eventually(lambda: own.call("query", tradeNum="R1", tradeType="1").findtext("status") == "2")
    return day


def reduce(app, amount):
    assert app.test_client().post("/payers/demo/jdpay", json={"next_reduction": amount}).status_code == 200


def asked(app, day, kind="ordercreate", *, agent=False, **changed):
    client = app.test_client()
    known = client.get("/credentials").json["jd"]
    form = {**bill_form(day.isoformat(), known, kind, agent=agent), **changed}
    return client.post("/jd/bapi/api/download.do", data=form)


def test_a_bill_is_there_from_ten_the_next_morning(app):
    day = traded(app)
    assert asked(app, day).status_code == 404
    control(app, "clock", to=f"{day + timedelta(days=1)}T09:59:00+08:00")
    assert asked(app, day).status_code == 404
    control(app, "clock", to=f"{day + timedelta(days=1)}T10:00:00+08:00")
    assert asked(app, day).status_code == 200
    assert asked(app, day + timedelta(days=1)).status_code == 404


def test_the_bill_says_to_the_fen_what_was_paid_and_given_back(app):
    reduce(app, 300)
    day = traded(app)
    control(app, "clock", to="next_morning")
    own = OwnMerchant(app)
    payment, refund = own.bill(day.isoformat())
    assert len(payment) == len(refund) == 19
    chosen = (0, 2, 3, 4, 5, 6, 7, 10, 11, 13)
    assert [payment[n] for n in chosen] == [
        *("A1", "20.00", "京东支付", "消费", "成功", "0.00", "3.00", "", "0.08", own.merchant_no),
    ]
    assert [refund[n] for n in chosen] == [
        *("A1", "-10.00", "京东支付", "退款", "成功", "10.00", "-1.50", "R1", "-0.04", own.merchant_no),
    ]
    assert payment[8][:10] == payment[9][:10] == day.isoformat()
    assert payment[1] == refund[1]
    (settled,) = own.bill(day.isoformat(), "settle")
    assert settled[:9] == [day.isoformat(), own.merchant_no, "1", "20.00", "10.00", "0.00", "0.08", "0.04", "9.96"]
    assert settled[9] == f"{day + timedelta(days=1)} 09:00:00"


def test_a_merchant_of_the_agent_has_the_same_bill(app):
    day = traded(app)
    control(app, "clock", to="next_morning")
    (line,) = Merchant(app).bill(day.isoformat())
    assert (line[0], line[2], line[11]) == ("B1", "12.34", "0.05")
    (settled,) = Merchant(app).bill(day.isoformat(), "settle")
    assert (settled[2], settled[8]) == ("1", "12.29")


def test_a_day_without_trade_has_a_bill_without_lines(app):
    control(app, "clock", to="next_morning")
    day = today(app) - timedelta(days=1)
    assert OwnMerchant(app).bill(day.isoformat()) == []
    assert OwnMerchant(app).bill(day.isoformat(), "settle")[0][8] == "0.00"


def test_the_file_is_gbk_with_numbers_kept_from_spreadsheets(app):
    day = traded(app)
    control(app, "clock", to="next_morning")
    answer = asked(app, day)
    assert answer.data.startswith(b"PK")
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{day:%Y%m%d}ordercreate_{OwnMerchant(app).merchant_no}.zip"'
    )


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"md5": "0" * 32}, 403),
        ({"owner": "110000000"}, 403),
        ({"data": "%%%"}, 403),
        ({"owner": ""}, 403),
    ],
)
def test_a_form_that_is_not_ours_gets_nothing(app, changed, status):
    assert asked(app, today(app), **changed).status_code == status


def test_nobody_fetches_the_bill_of_another_contract(app):
    known = app.test_client().get("/credentials").json["jd"]
    day = today(app).isoformat()
    foreign = {**known, "v2_merchant_no": known["merchant_no"]}
    form = {**bill_form(day, foreign, "ordercreate", agent=False), "owner": known["v2_merchant_no"][:9]}
    assert app.test_client().post("/jd/bapi/api/download.do", data=form).status_code == 403


@pytest.mark.parametrize("fault", ["bill_missing_line", "bill_changed_amount", "bill_duplicate_line"])
def test_a_bill_lies_once_when_told_to(app, fault):
    day = traded(app)
    control(app, "clock", to="next_morning")
    honest = OwnMerchant(app).bill(day.isoformat())
    control(app, "faults", institution="jd", name=fault, number="R1")
    lying = OwnMerchant(app).bill(day.isoformat())
    assert {
        "bill_missing_line": lying == honest[:1],
        "bill_changed_amount": (lying[0], lying[-1][2]) == (honest[0], "-10.01"),
        "bill_duplicate_line": lying == [honest[0], honest[1], honest[1]],
    }[fault]
    assert OwnMerchant(app).bill(day.isoformat()) == honest


def test_a_bill_can_be_late_and_a_settlement_wrong(app):
    day = traded(app)
    control(app, "clock", to="next_morning")
    control(app, "faults", institution="jd", name="bill_missing", number=day.isoformat())
    assert asked(app, day).status_code == 404
    assert asked(app, day).status_code == 200
    control(app, "faults", institution="jd", name="bill_wrong_summary")
    assert OwnMerchant(app).bill(day.isoformat(), "settle")[0][3] == "20.01"
    assert OwnMerchant(app).bill(day.isoformat(), "settle")[0][3] == "20.00"


def test_the_call_itself_can_fail(app):
    day = traded(app)
    control(app, "clock", to="next_morning")
    for fault, status in (("refuse", 403), ("system_error", 500)):
        control(app, "faults", institution="jd", name=fault, operation="bill")
        assert asked(app, day).status_code == status
    control(app, "faults", institution="jd", name="bad_answer_signature", operation="bill")
    cut, whole = asked(app, day).data, asked(app, day).data
    assert len(cut) < len(whole)


def test_a_long_form_is_not_read(app):
    assert app.test_client().post("/jd/bapi/api/download.do", data={"data": "x" * 20_000}).status_code == 413
