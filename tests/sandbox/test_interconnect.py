"""The clearing institution's stand-in: its directory, routing, messages and file."""

import json

from flask import Flask

from sandbox import clock
from sandbox.interconnect import routing
from sandbox.interconnect.directory import SEEDS, every, resolve

PERSONAL, OTHER = SEEDS[0][0], SEEDS[1][0]


def pay(sandbox: Flask, text: str, amount: int = 2_000, wallet: str = "jdpay") -> dict[str, object]:
    with sandbox.app_context(), sandbox.extensions["store"].writing() as connection:
        return routing.pay(
            connection,
            text=text,
            amount=amount,
            wallet=wallet,
            payer="demo",
            openid=None,
            now=clock.now(connection),
        )


def test_a_person_is_told_by_the_last_character_of_his_name(sandbox: Flask) -> None:
    with sandbox.extensions["store"].reading() as connection:
        holder = resolve(connection, PERSONAL.replace("wxp", "WXP"))
    assert holder is not None
    assert (holder.holding, holder.holder_name) == ("personal", "**珍")


def test_a_payment_on_another_contracts_code_is_told_by_its_own_message(sandbox: Flask) -> None:
    shown = pay(sandbox, OTHER)
    assert (shown["state"], shown["shop"], shown["payer_total"]) == ("AUTHORISED", "老周豆腐", 2_000)
    with sandbox.extensions["store"].reading() as connection:
        row = connection.execute("SELECT * FROM outbox WHERE sender = 'interconnect'").fetchone()
    told = json.loads(row["payload"])
    assert row["url"].endswith("/notify/interconnect")
    assert told["event"] == "CODE.PAID"
    assert told["plain"]["amount"] == 2_000
    assert told["plain"]["code"] == OTHER


def test_a_jd_payer_at_a_code_of_our_sub_merchant_is_wechats_to_tell(sandbox: Flask) -> None:
    with sandbox.extensions["store"].reading() as connection:
        own = next(one for one in every(connection) if one.holding == "own_sub_merchant")
    shown = pay(sandbox, own.text)
    with sandbox.extensions["store"].reading() as connection:
        (row,) = connection.execute("SELECT * FROM outbox").fetchall()
    told = json.loads(row["payload"])["plain"]
    assert row["url"].endswith("/notify/wechat")
    assert (told["transaction_id"], told["bank_type"]) == (shown["transaction_id"], "OTHERS")
    assert "payer" not in told
