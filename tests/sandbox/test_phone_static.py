"""A JD phone at a WeChat code of our own sub-merchant: both sides of the price, the refund, and what each was told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from sandbox.wechat import static_codes
from tests.sandbox.jd_merchant import eventually
from tests.sandbox.wechat_merchant import Provider


@pytest.fixture
def provider(sandbox: Flask) -> Provider:
    return Provider(sandbox)


@pytest.fixture
def code(sandbox: Flask) -> str:
    with sandbox.extensions["store"].reading() as connection:
        return static_codes.every(connection)[0]["text"]


@pytest.fixture
def phone(sandbox: Flask) -> Callable[..., Any]:
    client = sandbox.test_client()

    def call(method: str, path: str, **values: Any) -> Any:
        return client.open(path, method=method, json=values or None).json

    return call


def told(sandbox: Flask, sender: str) -> list[dict[str, Any]]:
    with sandbox.extensions["store"].reading() as connection:
        rows = connection.execute("SELECT payload FROM outbox WHERE sender = ? ORDER BY id", (sender,)).fetchall()
    return [json.loads(row["payload"])["plain"] for row in rows]


def test_seventeen_yuan_from_the_payer_twenty_to_the_shop_and_half_of_each_back(
    sandbox: Flask, provider: Provider, code: str, phone: Callable[..., Any]
) -> None:
    phone("POST", "/phone/api/wallet/jd", next_reduction=300)
    paid = phone("POST", "/phone/api/pay", wallet="jdpay", text=code, amount=2000)
    assert (paid["result"], paid["amount"], paid["payer_paid"], paid["reduction"]) == ("paid", 2000, 1700, 300)
    notice = told(sandbox, "wechat")[0]
    assert notice["out_trade_no"] == paid["order"]
    assert (notice["amount"]["total"], notice["amount"]["payer_total"]) == (2000, 1700)
    assert "payer" not in notice
    provider.call(
        "POST",
        "/v3/refund/domestic/refunds",
        provider.refund("HALF", refund=1000, total=2000, out_trade_no=paid["order"]),
    )
    eventually(lambda: [entry for entry in history(phone) if entry["kind"] == "refund"])
    refund = next(entry for entry in history(phone) if entry["kind"] == "refund")
    assert (refund["payer_part"], refund["promotion_part"], refund["source"]) == (850, 150, "建设银行储蓄卡2231")
    cards = {card["id"]: card["money"] for card in phone("GET", "/phone/api/wallet/jd")["cards"]}
    assert cards["ccb-debit-2231"] == 2_000_000 - 1700 + 850


def test_the_notice_in_the_drawing_is_wechats_own(sandbox: Flask, code: str, phone: Callable[..., Any]) -> None:
    phone("POST", "/phone/api/pay", wallet="jdpay", text=code, amount=2000)
    drawn = sandbox.test_client()
    drawn.set_cookie("phone", _phone(sandbox), path="/phone")
    steps = drawn.get("/phone/steps").text
    assert "手续费 ¥0.08" in steps
    assert "生产上没有" not in steps


def test_a_wechat_payer_is_known_to_the_shop(sandbox: Flask, code: str, phone: Callable[..., Any]) -> None:
    paid = phone("POST", "/phone/api/pay", wallet="wechat", text=code, amount=2000)
    assert paid["result"] == "paid"
    assert told(sandbox, "wechat")[0]["payer"]


def test_what_a_removed_card_paid_cannot_come_back(
    sandbox: Flask, provider: Provider, code: str, phone: Callable[..., Any]
) -> None:
    paid = phone("POST", "/phone/api/pay", wallet="jdpay", text=code, amount=2000)
    phone("DELETE", "/phone/api/wallet/jd/cards/ccb-debit-2231")
    body = provider.refund("GONE", refund=1000, total=2000, out_trade_no=paid["order"])
    provider.call("POST", "/v3/refund/domestic/refunds", body)
    path = f"/v3/refund/domestic/refunds/GONE?sub_mchid={provider.given['sub_mchid']}"

    def ended() -> str:
        state = str(provider.call("GET", path).json["status"])
        return "" if state == "PROCESSING" else state

    assert eventually(ended) == "ABNORMAL"


def test_a_merchants_transfer_waits_for_its_receiver(
    sandbox: Flask, provider: Provider, phone: Callable[..., Any]
) -> None:
    phone("GET", "/phone/api/me")
    package = _transfer(provider, amount=200)
    waiting = phone("GET", "/phone/api/messages")["waiting"]
    assert [(one["package_info"], one["amount"]) for one in waiting] == [(package, 200)]
    client = sandbox.test_client()
    client.set_cookie("phone", _phone(sandbox), path="/phone")
    assert "确认收款 ¥2.00" in " ".join(client.get("/phone/app/wechat/messages").text.split())
    assert ">1</span>" in client.get("/phone/app/wechat").text
    before = phone("GET", "/phone/api/wallet/wechat")["balance"]
    for status in (303, 409):
        answer = client.post("/phone/app/wechat/messages", data={"package_info": package})
        assert answer.status_code == status
    assert phone("GET", "/phone/api/wallet/wechat")["balance"] == before + 200
    messages = phone("GET", "/phone/api/messages")
    assert (messages["waiting"], [one["amount"] for one in messages["taken"]]) == ([], [200])


def test_nobody_takes_a_transfer_that_is_not_his(provider: Provider, phone: Callable[..., Any]) -> None:
    package = _transfer(provider, amount=200)
    phone("POST", "/phone/api/me", payer="lina")
    assert phone("GET", "/phone/api/messages")["waiting"] == []
    assert phone("POST", "/phone/api/messages", package_info=package)["error"] == "这笔转账不是给您的"
    assert phone("POST", "/phone/api/messages", package_info="none")["error"] == "没有这笔转账"


def history(phone: Callable[..., Any]) -> list[dict[str, Any]]:
    return list(phone("GET", "/phone/api/wallet/jd/history")["entries"])


def _phone(sandbox: Flask) -> str:
    with sandbox.extensions["store"].reading() as connection:
        row = connection.execute("SELECT id FROM phones ORDER BY created_at DESC LIMIT 1").fetchone()
    return str(row["id"])


def _transfer(provider: Provider, *, amount: int) -> str:
    """A transfer to the demo payer, who has shown himself to the provider's official account before."""
    body = {
        "appid": provider.given["sp_appid"],
        "out_bill_no": "B1",
        "transfer_scene_id": "1000",
        "openid": provider.openid({"X-Sandbox-Payer": "demo"}),
        "transfer_amount": amount,
        "transfer_remark": "推广返现",
        "transfer_scene_report_infos": [
            {"info_type": "活动名称", "info_content": "推广返现"},
            {"info_type": "奖励说明", "info_content": "分享收款码"},
        ],
    }
    answer = provider.call("POST", "/v3/fund-app/mch-transfer/transfer-bills", body)
    assert answer.status_code == 200, answer.text
    return str(json.loads(answer.data)["package_info"])
