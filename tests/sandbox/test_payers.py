"""What the wallets do for their payers: sources, quotas, reductions, refunds, subsidies, and all of it as JSON."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sandbox.clock import BEIJING
from sandbox.payers import cards, money, reductions, subsidies
from sandbox.payers.accounts import account
from sandbox.payers.money import CannotPay, CannotReturn, Paid, can_receive, give_back, settle
from sandbox.store import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=BEIJING).timestamp()
DAY = 86_400


class Person:
    """One payer and the institution he pays."""

    def __init__(self, app: Flask, name: str = "demo") -> None:
        self.store: Store = app.extensions["store"]
        self.name = name
        self._numbers = iter(range(1, 1000))

    def writing(self) -> AbstractContextManager[Any]:
        return self.store.writing()

    def pay(
        self, total: int, *, wallet: str = "jdpay", static: bool = False, now: float = NOON, number: str = ""
    ) -> Paid:
        with self.store.writing() as connection:
            return settle(
                connection,
                payer=self.name,
                wallet=wallet,
                institution="wechat",
                number=number or f"P{next(self._numbers)}",
                total=total,
                static_code=static,
                now=now,
            )

    def back(self, number: str, refund: str, payer_part: int, promotion_part: int = 0) -> str:
        with self.store.writing() as connection:
            return give_back(
                connection,
                institution="wechat",
                number=number,
                refund_number=refund,
                payer_part=payer_part,
                promotion_part=promotion_part,
                now=NOON,
            )

    def rule(self, amount: int, *, upcoming: bool = True, minimum: int = 0, funder: str = "wallet") -> None:
        with self.store.writing() as connection:
            rule = reductions.Rule(upcoming, amount, minimum, "立减", funder)
            reductions.set_rule(connection, self.name, "jdpay", rule)

    def money(self, wallet: str = "jdpay") -> dict[str, int]:
        with self.store.writing() as connection:
            holder = account(connection, self.name, wallet)
        return {"balance": holder.balance} | {card.id: card.money for card in holder.cards}


@pytest.fixture
def person(sandbox: Flask) -> Person:
    return Person(sandbox)


@pytest.fixture
def api(sandbox: Flask) -> Callable[..., TestResponse]:
    client = sandbox.test_client()

    def call(method: str, path: str, **values: Any) -> TestResponse:
        return client.open(path, method=method, json=values if method == "POST" else None)

    return call


def test_a_reduction_is_taken_off_what_the_payer_gives_and_nothing_else(person: Person) -> None:
    person.rule(300)
    before = person.money()["ccb-debit-2231"]
    paid = person.pay(2000)
    assert (paid.payer_total, [(grant.amount, grant.funder) for grant in paid.promotions]) == (1700, [(300, "wallet")])
    assert (paid.bank_type, paid.card) == ("CCB_DEBIT", "建设银行储蓄卡2231")
    assert person.money()["ccb-debit-2231"] == before - 1700


def test_the_next_reduction_serves_one_payment_and_a_standing_one_every_payment(person: Person) -> None:
    person.rule(300)
    assert [person.pay(2000).payer_total for _ in range(2)] == [1700, 2000]
    person.rule(100, upcoming=False, minimum=1000)
    assert [person.pay(total).payer_total for total in (1000, 1000, 999)] == [900, 900, 999]


def test_the_payer_always_gives_a_fen(person: Person) -> None:
    person.rule(3000)
    assert person.pay(2000).payer_total == 1
    assert person.pay(1).payer_total == 1


@pytest.mark.parametrize("amount", [3001, -1])
def test_no_reduction_is_larger_than_thirty_yuan(person: Person, amount: int) -> None:
    with pytest.raises(reductions.BadRule):
        person.rule(amount)


def test_the_same_order_is_settled_once(person: Person) -> None:
    first = person.pay(2000, number="T1")
    left = person.money()
    assert person.pay(2000, number="T1") == first
    assert person.money() == left


def test_static_codes_take_five_hundred_yuan_a_day_from_one_source(person: Person) -> None:
    person.pay(40_000, static=True)
    with pytest.raises(CannotPay, match=r"今天还能付 100\.00 元。请店家出示动态码再扫"):
        person.pay(10_001, static=True)
    person.pay(10_001)
    person.pay(10_000, static=True)
    person.pay(50_000, static=True, now=NOON + DAY)
    with person.writing() as connection:
        cards.use(connection, person.name, "jdpay", "cmb-credit-5518")
    assert person.pay(50_000, static=True).card == "招商银行信用卡5518"


def test_the_day_turns_at_midnight_in_beijing(person: Person) -> None:
    midnight = NOON + DAY / 2
    person.pay(50_000, static=True, now=midnight - 1)
    person.pay(50_000, static=True, now=midnight)
    with pytest.raises(CannotPay):
        person.pay(1, static=True, now=midnight - 1)


@pytest.mark.parametrize(("level", "cap"), [("B", 500_000), ("C", 100_000)])
def test_a_level_has_its_daily_cap(person: Person, level: str, cap: int) -> None:
    with person.writing() as connection:
        connection.execute("UPDATE payer_accounts SET level = ?", (level,))
    person.pay(cap - 1)
    with pytest.raises(CannotPay, match=r"还能付 0\.01 元"):
        person.pay(2)
    person.pay(1)


def test_level_a_has_no_cap_but_static_codes_keep_theirs(person: Person) -> None:
    with person.writing() as connection:
        connection.execute("UPDATE payer_accounts SET level = 'A'")
    person.pay(1_500_000)
    with pytest.raises(CannotPay, match="静态收款码"):
        person.pay(50_001, static=True)


def test_what_the_quota_counts_is_what_the_payer_gives(person: Person) -> None:
    person.rule(3000)
    assert person.pay(53_000, static=True).payer_total == 50_000


def test_who_has_not_enough_is_told_so_and_nothing_moves(person: Person) -> None:
    with person.writing() as connection:
        connection.execute("UPDATE payer_cards SET money = 100")
    person.rule(50)
    with pytest.raises(CannotPay, match="余额不足"):
        person.pay(200)
    assert person.money()["ccb-debit-2231"] == 100
    assert person.pay(150).payer_total == 100


def test_an_expired_card_pays_no_more_but_still_receives(person: Person) -> None:
    person.pay(2000, number="T1")
    with person.writing() as connection:
        cards.expire(connection, person.name, "jdpay", "ccb-debit-2231")
    with pytest.raises(CannotPay, match="已经过期"):
        person.pay(2000)
    assert person.back("T1", "R1", 2000) == "建设银行储蓄卡2231"
    with person.writing() as connection:
        cards.renew(connection, person.name, "jdpay", "ccb-debit-2231")
    assert person.pay(2000).payer_total == 2000


def test_a_refund_goes_back_to_what_paid_once(person: Person) -> None:
    person.rule(300)
    before = person.money()
    person.pay(2000, number="T1")
    for _ in range(2):
        assert person.back("T1", "R1", 850, 150) == "建设银行储蓄卡2231"
    assert person.money()["ccb-debit-2231"] == before["ccb-debit-2231"] - 850
    person.pay(2000, wallet="wechat", number="T2")
    assert person.back("T2", "R2", 2000) == "支付用户零钱"
    assert person.money("wechat")["balance"] == 1_000_000


def test_nothing_can_go_back_to_a_removed_card(person: Person) -> None:
    person.pay(2000, number="T1")
    with person.writing() as connection:
        assert can_receive(connection, institution="wechat", number="T1")
        holder = cards.remove(connection, person.name, "jdpay", "ccb-debit-2231")
        assert holder.source == "cmb-credit-5518"
        assert not can_receive(connection, institution="wechat", number="T1")
    with pytest.raises(CannotReturn):
        person.back("T1", "R1", 2000)


def test_a_payment_nobody_knows_goes_back_without_a_booking(person: Person) -> None:
    with person.writing() as connection:
        assert can_receive(connection, institution="jd", number="T1")
    assert person.back("T1", "R1", 2000) == "支付用户零钱"


def test_an_offer_tells_what_settling_will_do(person: Person) -> None:
    person.rule(300)
    with person.writing() as connection:
        seen = money.offer(connection, payer="demo", wallet="jdpay", total=2000, static_code=True, now=NOON)
        over = money.offer(connection, payer="demo", wallet="jdpay", total=60_000, static_code=True, now=NOON)
    assert (seen.reduction, seen.payer_total, seen.card, seen.problem) == (300, 1700, "建设银行储蓄卡2231", None)
    assert "500 元" in str(over.problem)
    assert person.pay(2000).payer_total == seen.payer_total


def test_every_deed_counts_once_and_all_of_them_make_288_yuan(person: Person) -> None:
    with person.writing() as connection:
        first = [subsidies.grant(connection, "demo", deed, NOON) for deed in subsidies.DEEDS]
        again = [subsidies.grant(connection, "demo", deed, NOON) for deed in subsidies.DEEDS]
        assert subsidies.total(connection, "demo") == sum(first) == subsidies.MOST == 28_800
    assert all(first)
    assert not any(again)
    assert person.money()["balance"] == 28_800


def test_two_people_share_neither_money_nor_quota(person: Person, sandbox: Flask) -> None:
    person.pay(50_000, static=True)
    assert Person(sandbox, "lina").pay(50_000, static=True, number="L1").payer_total == 50_000


def test_a_script_keeps_cards(api: Any) -> None:
    new = api("POST", "/payers/demo/jd/cards", bank="ICBC", kind="debit", number="6222 0202 0000 1234", money=5000)
    assert (new.status_code, new.json["id"], new.json["name"]) == (201, "icbc-debit-1234", "工商银行储蓄卡1234")
    again = api("POST", "/payers/demo/jd/cards", bank="ICBC", kind="debit", number="6222020200001234")
    assert (again.status_code, again.json["error"]) == (422, "这张卡已经绑定了。")
    told = api("POST", "/payers/demo/jd/cards/icbc-debit-1234", act="use").json
    assert (told["source"], told["source_name"]) == ("icbc-debit-1234", "工商银行储蓄卡1234")
    told = api("POST", "/payers/demo/jd/cards/icbc-debit-1234", act="expire").json
    assert [card["state"] for card in told["cards"]] == ["bound", "bound", "expired"]
    assert api("POST", "/payers/demo/jd/cards/icbc-debit-1234", act="use").status_code == 422
    told = api("DELETE", "/payers/demo/jd/cards/icbc-debit-1234").json
    assert (told["source"], len(told["cards"])) == ("ccb-debit-2231", 2)


def test_a_script_turns_a_persons_screws(api: Any) -> None:
    told = api("POST", "/payers/lina/jd", level="C", balance=77, next_reduction=300).json
    assert (told["level"], told["balance"], told["next_reduction"]) == ("C", 77, 300)
    assert told["left_today"] == {"any_code": 100_000, "static_code": 50_000}
    told = api("POST", "/payers/lina/jd", reduction={"amount": 100, "minimum": 1000, "funder": "merchant"}).json
    assert (told["reduction"]["amount"], told["reduction"]["funder"]) == (100, "merchant")
    assert api("POST", "/payers/lina/jd", reduction=None, next_reduction=0).json["reduction"] is None
    assert api("GET", "/payers").json == {"payers": ["demo", "lina"]}


@pytest.mark.parametrize(
    ("path", "values", "status"),
    [
        ("/payers/demo/jd", {"level": "D"}, 400),
        ("/payers/demo/jd", {"balance": -1}, 400),
        ("/payers/demo/jd", {"balance": 1.5}, 400),
        ("/payers/demo/jd", {"balance": 5, "next_reduction": 3001}, 400),
        ("/payers/demo/jd", {"mood": 1}, 400),
        ("/payers/demo/jd", {"source": "none"}, 404),
        ("/payers/demo/alipay", {"level": "B"}, 404),
        ("/payers/demo/jd/cards", {"bank": "XYZ", "kind": "debit", "number": "6222020200001234"}, 422),
        ("/payers/demo/jd/cards", {"bank": "ICBC", "kind": "debit", "number": "12"}, 422),
        ("/payers/demo/jd/cards/none", {"act": "use"}, 404),
        ("/payers/demo/jd/cards/ccb-debit-2231", {"act": "eat"}, 400),
        ("/payers/demo/jd/cards/ccb-debit-2231", {"act": "renew"}, 422),
        ("/payers/demo/subsidies", {"deed": "smile"}, 404),
        (f"/payers/{'x' * 41}/jd", {}, 400),
    ],
)
def test_a_script_learns_its_mistake_and_nothing_changes(
    api: Any, path: str, values: dict[str, Any], status: int
) -> None:
    before = api("GET", "/payers/demo").json
    answer = api("POST", path, **values)
    assert (answer.status_code, bool(answer.json["error"])) == (status, True)
    assert api("GET", "/payers/demo").json == before


def test_the_history_shows_reductions_and_where_refunds_went(person: Person, api: Any) -> None:
    person.rule(300)
    person.pay(2000, number="T1", static=True)
    person.back("T1", "R1", 850, 150)
    api("POST", "/payers/demo/subsidies", deed="share")
    entries = {entry["kind"]: entry for entry in api("GET", "/payers/demo/jd/history").json["entries"]}
    payment, refund = entries["payment"], entries["refund"]
    assert (payment["total"], payment["payer_part"], payment["promotion_part"]) == (2000, 1700, 300)
    assert payment["grants"][0]["name"] == "立减"
    assert (refund["number"], refund["total"], refund["payer_part"]) == ("T1", 1000, 850)
    assert entries["subsidy"]["total"] == 8000


def test_a_page_of_another_site_changes_nothing(sandbox: Flask) -> None:
    foreign = sandbox.test_client().post(
        "/payers/demo/jd", json={"balance": 1}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403
