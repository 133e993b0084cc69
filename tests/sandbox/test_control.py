"""The sandbox's own pages: home, credentials, settings, outbox, books; and when it refuses to start."""

import os
import stat
from pathlib import Path

import pytest
from flask import Flask

from sandbox.books import totals, with_shares
from sandbox.factory import NotADemo, create_app
from sandbox.keys import keys_of
from sandbox.payers.money import Grant, Paid
from sandbox.wechat import orders
from tests.sandbox.paying import placed, wechat_paid
from tests.sandbox.receiver import Receiver
from tests.sandbox.wechat_merchant import Provider

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("mode", [{}, {"PORTAL_MODE": "production"}, {"PORTAL_MODE": ""}])
def test_it_starts_in_a_demo_only(mode: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotADemo):
        create_app({"PORTAL_DATA_DIR": str(tmp_path)} | mode)
    assert not list(tmp_path.iterdir())


def test_the_keys_stay_over_a_restart_and_nobody_else_reads_them(sandbox: Flask) -> None:
    store = sandbox.extensions["store"]
    assert keys_of(store) == sandbox.extensions["keys"]
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600


def test_credentials_have_every_part(sandbox: Flask) -> None:
    given = sandbox.test_client().get("/credentials").json
    assert given.keys() >= {"wechat", "jd", "sms"}
    assert given["wechat"]["gateway"].endswith("/wechat")
    assert all(value for part in given.values() for value in part.values())
    assert "PUBLIC KEY" in given["wechat"]["public_key"]


@pytest.mark.parametrize("path", ["/", "/control", "/control/books"])
@pytest.mark.parametrize(("language", "word"), [("zh", "沙盒"), ("en", "sandbox")])
def test_every_page_speaks_both_languages(sandbox: Flask, path: str, language: str, word: str) -> None:
    wechat_paid(sandbox)
    client = sandbox.test_client()
    page = client.get(f"{path}?lang={language}", headers=HTML)
    assert (page.status_code, page.text.count("<h1>")) == (200, 1)
    assert word in page.text
    assert client.get(path, headers=HTML).text.count(f'lang="{"en" if language == "en" else "zh-CN"}">\n<head>') == 1


def test_settings_change_together_or_not_at_all(sandbox: Flask) -> None:
    client = sandbox.test_client()
    assert client.post("/control/settings", json={"refund_seconds": 0, "nonsense": 1}).status_code == 400
    assert client.post("/control/settings", json={"retry_speed": "fast"}).status_code == 400
    assert client.post("/control/settings", json={"retry_speed": 0}).status_code == 400
    assert client.get("/control/settings").json["refund_seconds"] == 1
    assert client.post("/control/settings", data={"refund_seconds": "0.5"}).status_code == 303
    assert client.get("/control/settings").json["refund_seconds"] == 0.5


def test_a_foreign_page_turns_nothing(sandbox: Flask) -> None:
    client, foreign = sandbox.test_client(), {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/control/settings", data={"retry_speed": "9"}, headers=foreign).status_code == 403
    assert client.post("/control/books/alter", data={}, headers=foreign).status_code == 403


def test_a_notice_can_be_sent_again(sandbox: Flask, receiver: Receiver) -> None:
    wechat_paid(sandbox, url=receiver.url)
    first = receiver.next()
    client = sandbox.test_client()
    number = client.get("/control/outbox").json[0]["id"]
    assert client.post(f"/control/outbox/{number}/now", json={}).status_code == 200
    assert receiver.next().body != first.body
    assert client.post("/control/outbox/999/now", json={}).status_code == 404


def test_the_books_say_what_is_owed_to_the_fen(sandbox: Flask) -> None:
    provider = wechat_paid(sandbox)
    provider.call("POST", "/v3/refund/domestic/refunds", provider.refund("R1", 500))
    books = sandbox.test_client().get("/control/books").json
    assert [entry["kind"] for entry in books["wechat"]] == ["payment", "refund"]
    totals = books["totals"]["wechat"][provider.given["sub_mchid"]]
    assert totals == {
        "received": 1234,
        "payer_paid": 1234,
        "discounts": 0,
        "merchant_discounts": 0,
        "fee": 5,
        "refunded": 500,
        "payer_refunded": 500,
        "discounts_returned": 0,
        "merchant_discounts_returned": 0,
        "fee_returned": 2,
        "owed": 731,
        "settled": 0,
    }


def test_a_reduction_of_the_wallet_costs_the_merchant_nothing(sandbox: Flask) -> None:
    provider = Provider(sandbox)
    openid = provider.openid()
    prepay_id = placed(provider, total=2000).json["prepay_id"]
    reduced = Paid(1700, (Grant("G1", "立减", 300, "other"),), "OTHERS", "")
    with sandbox.extensions["store"].writing() as connection:
        orders.pay(connection, prepay_id=prepay_id, openid=openid, paid=reduced)
    provider.call("POST", "/v3/refund/domestic/refunds", provider.refund("R1", 1000, total=2000))
    books = sandbox.test_client().get("/control/books").json
    payment, refund = books["wechat"]
    assert (payment["total"], payment["payer_total"], payment["discount"]) == (2000, 1700, 300)
    assert (refund["refund"], refund["payer_refund"], refund["discount_refund"]) == (1000, 850, 150)
    sums = books["totals"]["wechat"][provider.given["sub_mchid"]]
    assert (sums["discounts"], sums["discounts_returned"], sums["owed"]) == (300, 150, 2000 - 1000 - 8 + 4)
    page = sandbox.test_client().get("/control/books", headers=HTML).text
    assert ("17.00" in page, "−8.50" in page, "−1.50" in page) == (True, True, True)


def test_what_the_merchant_discounts_himself_is_not_owed_to_him() -> None:
    shared = {"merchant_no": "1", "coupon": 0, "fee": 0}
    payment = {"kind": "payment", "total": 1000, "payer_total": 900, "merchant_coupon": 100, "refund": 0, **shared}
    refund = {"kind": "refund", "total": 1000, "payer_total": 450, "merchant_coupon": 50, "refund": 500, **shared}
    sums = totals([with_shares(payment), with_shares(refund)], "merchant_no")["1"]
    assert (sums["merchant_discounts"], sums["merchant_discounts_returned"]) == (100, 50)
    assert (sums["payer_refunded"], sums["owed"]) == (450, 450)


def test_a_lie_that_cannot_be_told_keeps_what_was_typed(sandbox: Flask) -> None:
    client = sandbox.test_client()
    form = {"institution": "jd", "number": "T-nobody", "amount": "12", "date": "2026-01-05"}
    page = client.post("/control/books/alter", data=form, headers=HTML)
    assert page.status_code == 404
    assert ("没有这个单号" in page.text, 'value="T-nobody"' in page.text, "2026-01-05" in page.text) == (True,) * 3
    assert client.post("/control/books/alter", data=form | {"amount": "x"}, headers=HTML).status_code == 400


def test_a_wrong_setting_on_the_page_keeps_what_was_typed(sandbox: Flask) -> None:
    page = sandbox.test_client().post("/control/settings", data={"retry_speed": "fast"})
    assert (page.status_code, 'value="fast"' in page.text, "请填不小于零的数" in page.text) == (400, True, True)


def test_every_page_shows_the_clock_and_what_is_armed(sandbox: Flask) -> None:
    client = sandbox.test_client()
    client.post("/control/faults", json={"institution": "jd", "name": "refuse", "times": 3})
    for path in ("/", "/control", "/control/books"):
        page = client.get(path, headers=HTML).text
        assert ("已布置 1 个故障" in page, "沙盒时钟" in page, 'value="next_morning"' in page) == (True,) * 3


def test_the_books_of_another_day_are_empty(sandbox: Flask) -> None:
    wechat_paid(sandbox)
    client = sandbox.test_client()
    assert client.get("/control/books?date=2024-05-01").json["wechat"] == []
    for wrong in ("yesterday", "9999-12-31", "0001-01-01"):
        assert client.get(f"/control/books?date={wrong}").status_code == 400


def test_a_lie_of_one_fen_is_in_the_books_and_nowhere_else(sandbox: Flask) -> None:
    provider = wechat_paid(sandbox)
    client = sandbox.test_client()
    lie = {"institution": "wechat", "number": "T00000001", "amount": 1235}
    assert client.post("/control/books/alter", json=lie).status_code == 200
    assert client.get("/control/books").json["wechat"][0]["total"] == 1235
    path = f"/v3/pay/partner/transactions/out-trade-no/T00000001?sp_mchid={provider.given['sp_mchid']}"
    order = provider.call("GET", f"{path}&sub_mchid={provider.given['sub_mchid']}").json
    assert order["amount"]["total"] == 1234


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"institution": "bank", "number": "T00000001", "amount": 1}, 400),
        ({"institution": "wechat", "number": "T00000001", "amount": "x"}, 400),
        ({"institution": "wechat", "number": "T00000001", "amount": -1}, 400),
        ({"institution": "wechat", "number": "T00000009", "amount": 1}, 404),
        ({"institution": "jd", "number": "T00000001", "amount": 1}, 404),
    ],
)
def test_it_alters_only_what_is_there(sandbox: Flask, wish: dict[str, object], status: int) -> None:
    wechat_paid(sandbox)
    assert sandbox.test_client().post("/control/books/alter", json=wish).status_code == status
