"""The sandbox's own pages: home, credentials, settings, outbox, books; and when it refuses to start."""

import os
import stat
from pathlib import Path

import pytest
from flask import Flask

from sandbox.factory import NotADemo, create_app
from sandbox.keys import keys_of
from sandbox.wechat import orders
from tests.sandbox.receiver import Receiver
from tests.sandbox.wechat_merchant import Provider

HTML = {"Accept": "text/html"}


def paid(sandbox: Flask, url: str = "http://127.0.0.1:9/n", total: int = 1234) -> Provider:
    provider = Provider(sandbox)
    path = "/v3/pay/partner/transactions/jsapi"
    prepay_id = provider.call("POST", path, provider.order(total=total, notify_url=url)).json["prepay_id"]
    openid = provider.openid()
    with sandbox.extensions["store"].writing() as connection:
        orders.pay(connection, prepay_id=prepay_id, openid=openid)
    return provider


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
    paid(sandbox)
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
    paid(sandbox, receiver.url)
    first = receiver.next()
    client = sandbox.test_client()
    number = client.get("/control/outbox").json[0]["id"]
    assert client.post(f"/control/outbox/{number}/now", json={}).status_code == 200
    assert receiver.next().body != first.body
    assert client.post("/control/outbox/999/now", json={}).status_code == 404


def test_the_books_say_what_is_owed_to_the_fen(sandbox: Flask) -> None:
    provider = paid(sandbox)
    provider.call("POST", "/v3/refund/domestic/refunds", provider.refund("R1", 500))
    books = sandbox.test_client().get("/control/books").json
    assert [entry["kind"] for entry in books["wechat"]] == ["payment", "refund"]
    totals = books["totals"]["wechat"][provider.given["sub_mchid"]]
    assert totals == {
        **{"received": 1234, "payer_paid": 1234, "discounts": 0, "merchant_discounts": 0, "fee": 5},
        **{"refunded": 500, "payer_refunded": 500, "discounts_returned": 0, "merchant_discounts_returned": 0},
        **{"fee_returned": 2, "owed": 731, "settled": 0},
    }


def test_the_books_of_another_day_are_empty(sandbox: Flask) -> None:
    paid(sandbox)
    client = sandbox.test_client()
    assert client.get("/control/books?date=2024-05-01").json["wechat"] == []
    assert client.get("/control/books?date=yesterday").status_code == 400


def test_a_lie_of_one_fen_is_in_the_books_and_nowhere_else(sandbox: Flask) -> None:
    provider = paid(sandbox)
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
    paid(sandbox)
    assert sandbox.test_client().post("/control/books/alter", json=wish).status_code == status
