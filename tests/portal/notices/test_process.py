"""The notices' own process: what it serves, what it never shows, how long it lets a wallet wait, what it counts."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings
from portal.factory import Services, create_app
from portal.merchants.contracts import seal_keys
from portal.merchants.models import ContractLookup
from portal.notices.rules import BUDGET_SECONDS
from portal.payments.flows import parties_of
from portal.plumbing import clock
from portal.plumbing.clock import now, real_now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from tests.conftest import TestDatabase
from tests.portal.notices.conftest import SHOP, Books, Jd, Message, StandsByIt, Wechat, answer_of
from tests.portal.wallets.conftest import WechatSide, public_pem
from tests.portal.wallets.jd.by_hand import NOTICE_PROLOG, V2_MERCHANT_NO, JdSide, elements
from tests.portal.wallets.jd.conftest import jd_side, v2_keys  # noqa: F401 - fixtures are found by their names here

PROBE = "WECHATPAY/SIGNTEST/"


@pytest.fixture
def alone(settings: Settings, sections: dict[str, Any]) -> Iterator[Flask]:
    """The application as the notices' process starts it."""
    found: Any = {acquirer: StandsByIt(wallet) for acquirer, wallet in connectors(sections).items()}
    made = create_app(Services(settings=replace(settings, process="notices"), wallets=found))
    made.config.update(TESTING=True)
    yield made
    for name in ("database", "staff_database"):
        made.extensions[name].close()


@pytest.fixture
def wechat(wechat_side: WechatSide) -> Wechat:
    return Wechat(wechat_side)


def test_it_serves_notices_and_signs_of_life_and_nothing_else(alone: Flask) -> None:
    paths = {rule.rule for rule in alone.url_map.iter_rules() if rule.endpoint != "static"}
    assert paths == {
        "/notify/wechat", "/notify/jdpay", "/notify/interconnect", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    client = alone.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json == {"status": "not ready", "why": "durability is off"}, "as in every test"
    for path in ("/", "/login", "/staff", "/c/7KQ42MHDW"):
        answer = client.get(path)
        assert (answer.status_code, answer.data, "Set-Cookie" in answer.headers) == (404, b"", False)


def test_it_books_like_the_pages_process(alone: Flask, wechat: Wechat, books: Books) -> None:
    number = books.order(wechat.acquirer)
    message = wechat.paid(number)
    assert answer_of(message.send(alone.test_client())) == wechat.yes
    assert books.payment(number).state == "success"


def test_the_pages_process_keeps_answering_notices_too(
    client: FlaskClient, wechat_teller: Wechat, books: Books
) -> None:
    message = wechat_teller.paid(books.order(wechat_teller.acquirer))
    assert answer_of(message.send(client)) == wechat_teller.yes
    assert client.get("/metrics").status_code == 404, "counters are not for strangers"


def test_wallets_are_told_the_notices_own_address(settings: Settings, tools: Tools) -> None:
    there = replace(settings, notices_url="http://127.0.0.1:8003")
    assert parties_of(replace(tools, settings=there)).notify_url("jdpay") == "http://127.0.0.1:8003/notify/jdpay"
    assert parties_of(tools).notify_url("wechat") == "http://127.0.0.1:8000/notify/wechat"


def counted(app: Flask) -> dict[str, int]:
    lines = app.test_client().get("/metrics").text.splitlines()
    counters = [line.split(" ") for line in lines if line.startswith("yima_notices_total")]
    return {name.removeprefix("yima_notices_total"): int(number) for name, number in counters}


def test_a_probe_is_counted_and_alerts_nobody(
    alone: Flask, wechat: Wechat, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    genuine = wechat.paid(books.order(wechat.acquirer))
    probe = replace(genuine, headers={**genuine.headers, "Wechatpay-Signature": f"{PROBE}dGVzdA"})
    assert answer_of(probe.send(alone.test_client()))[0] == 401
    assert counted(alone) == {'{sender="wechat",outcome="probe"}': 1}
    assert [record.levelname for record in caplog.records if record.levelname not in ("DEBUG", "INFO")] == []
    books.assert_untouched()


def test_every_outcome_is_counted_under_its_own_word(alone: Flask, wechat: Wechat, books: Books) -> None:
    client, genuine = alone.test_client(), wechat.paid(books.order(wechat.acquirer))
    for message in (
        genuine,
        genuine,
        replace(genuine, body=genuine.body + b" "),
        replace(genuine, headers={}),
        replace(genuine, headers={**genuine.headers, "Wechatpay-Serial": "PUB_KEY_ID_9"}),
        replace(genuine, body=b"x" * 70_000),
        Message("/notify/jdpay", b"{"),
    ):
        message.send(client)
    assert counted(alone) == {
        '{sender="wechat",outcome="applied"}': 1,
        '{sender="wechat",outcome="replayed"}': 1,
        '{sender="wechat",outcome="signature"}': 1,
        '{sender="wechat",outcome="headers"}': 1,
        '{sender="wechat",outcome="unknown_key"}': 1,
        '{sender="wechat",outcome="too_large"}': 1,
        '{sender="jdpay",outcome="unreadable"}': 1,
    }


def test_a_flood_of_refused_notices_is_a_few_writes(
    alone: Flask, wechat: Wechat, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = []
    real = Database.transaction
    monkeypatch.setattr(Database, "transaction", lambda self, **scope: writes.append(scope) or real(self, **scope))
    client = alone.test_client()
    for _ in range(200):
        assert Message("/notify/wechat", b"x").send(client).status_code == 401
    assert len(writes) < 20
    assert counted(alone) == {'{sender="wechat",outcome="headers"}': 200}


def test_both_keys_verify_while_one_replaces_the_other(
    settings: Settings, sections: dict[str, Any], books: Books, wechat_side: WechatSide, merchant_key: Any
) -> None:
    """WeChat Pay changes its key: for a while either may sign, told apart by the serial; then the old one is gone."""
    old, new = "PUB_KEY_ID_OLD", sections["wechat"]["public_key_id"]
    former = WechatSide(merchant_key)
    both = {**sections["wechat"], "more_public_keys": {old: public_pem(merchant_key)}}
    alive = {(wechat_side, new): 204, (former, old): 204, (wechat_side, old): 401, (former, new): 401}
    for place, ((side, serial), status) in enumerate(alive.items()):
        assert answer_under(settings, both, books, side, serial, place) == status, serial
    assert answer_under(settings, sections["wechat"], books, former, old, 9) == 401


def answer_under(
    settings: Settings, section: dict[str, Any], books: Books, side: WechatSide, serial: str, place: int
) -> int:
    wallets = connectors({"wechat": section})
    app = create_app(Services(settings=replace(settings, process="notices"), wallets=wallets))
    teller = Wechat(side)
    genuine = teller.paid(books.order(teller.acquirer), transaction=f"T{place}")
    headers = side.headers(genuine.body, at=real_now(), serial=serial)
    try:
        return replace(genuine, headers=headers).send(app.test_client()).status_code
    finally:
        for name in ("database", "staff_database"):
            app.extensions[name].close()


def test_freshness_is_judged_by_real_time_wherever_business_is(
    client: FlaskClient, wechat_teller: Wechat, books: Books, tmp_path: Path
) -> None:
    file = tmp_path / "business-clock.json"
    file.write_text('{"offset_seconds": 864000}')
    clock.follow(file)
    try:
        number = books.order(wechat_teller.acquirer)
        plain = wechat_teller.order(number, amount=1234, transaction="T1")
        stale = wechat_teller.tell("TRANSACTION.SUCCESS", plain, telling=1, at=now())
        fresh = wechat_teller.tell("TRANSACTION.SUCCESS", plain, telling=2, at=real_now())
        assert now() - real_now() > timedelta(days=9)
        assert [answer_of(each.send(client))[0] for each in (stale, fresh)] == [401, 204]
        (received,) = rows(books.database, "SELECT received_at FROM inbox_notices")
    finally:
        clock.follow(None)
    assert received[0] - real_now() > timedelta(days=9), "kept at the moment of business"


def rows(database: TestDatabase, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.staff) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize("table", ["payments", "inbox_notices"])
def test_the_answer_leaves_within_five_seconds_whatever_is_locked(
    alone: Flask, wechat: Wechat, books: Books, database: TestDatabase, table: str
) -> None:
    message = wechat.paid(books.order(wechat.acquirer))
    with psycopg.connect(database.owner) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        status = answer_of(message.send(alone.test_client()))[0]
        assert (status, time.monotonic() - began < 5) == (503, True)
    books.assert_untouched()
    assert answer_of(message.send(alone.test_client())) == wechat.yes


def test_many_short_waits_do_not_add_up_to_more_than_the_budget(db: Database) -> None:
    """Each statement stays below the limit of one; together they would take twelve seconds."""
    began = time.monotonic()
    with pytest.raises(SQLAlchemyError):
        sleep_often(db, ends_at=began + 2)
    assert time.monotonic() - began < 3


def sleep_often(db: Database, *, ends_at: float) -> None:
    with db.transaction(ends_at=ends_at) as session:
        for _ in range(12):
            session.connection().exec_driver_sql("SELECT pg_sleep(1)")


def test_the_budget_leaves_time_for_the_way_back() -> None:
    assert BUDGET_SECONDS < 5


def test_a_wallet_that_does_not_answer_costs_its_notice_no_more_than_the_budget(alone: Flask, books: Books) -> None:
    teller = Jd()
    message = teller.paid(books.order(teller.acquirer))
    slow = threading.Event()
    stands: StandsByIt = alone.extensions["wallets"][Acquirer.JDPAY]
    answer = stands.ask_payment

    def ask(*question: Any) -> Any:
        slow.wait(3)
        return answer(*question)

    stands.ask_payment = ask  # type: ignore[method-assign]
    began = time.monotonic()
    assert answer_of(message.send(alone.test_client())) == teller.yes
    assert time.monotonic() - began < 5
    assert books.inbox() == [(SHOP, "applied", "")]


@pytest.fixture
def v2_shop(db: Database, keyring: Keyring, v2_keys: dict[str, str]) -> None:  # noqa: F811
    """The shop collects with JD under a contract and keys of its own."""
    sealed = seal_keys(keyring, merchant_id=SHOP, acquirer="jdpay", keys=v2_keys)
    with db.transaction(merchant=SHOP) as session:
        session.add(ContractLookup(acquirer="jdpay", sub_merchant_no=V2_MERCHANT_NO, merchant_id=SHOP))
        session.connection().exec_driver_sql(
            "UPDATE contracts SET sub_merchant_no = %s, keys_sealed = %s WHERE acquirer = 'jdpay'",
            (V2_MERCHANT_NO, sealed),
        )


def v2_message(side: JdSide, number: str, *, amount: int = 1234) -> bytes:
    head = f"<version>V2.0</version><merchant>{V2_MERCHANT_NO}</merchant><result><code>000000</code></result>"
    facts = {"tradeNum": number, "tradeType": "0", "amount": str(amount), "status": "2"}
    return side.message(head + elements(facts), prolog=NOTICE_PROLOG)


def test_jds_second_wire_is_heard_at_the_same_address(
    alone: Flask,
    books: Books,
    keyring: Keyring,
    v2_shop: None,
    jd_side: JdSide,  # noqa: F811
) -> None:
    number = books.order(Acquirer.JDPAY)
    with books.db.transaction(merchant=SHOP) as session:
        session.connection().exec_driver_sql("UPDATE payments SET sub_merchant_no = %s", (V2_MERCHANT_NO,))
    message = Message("/notify/jdpay", v2_message(jd_side, number))
    for _ in range(2):
        assert answer_of(message.send(alone.test_client())) == (200, b"success")
    assert books.inbox() == [(SHOP, "applied", "")]
    assert books.payment(number).state == "success"


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE jdpay [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + step)} "{f"&{chr(97 + step)};" * 10}">' for step in range(9))
    + f"]><jdpay><version>V2.0</version><merchant>{V2_MERCHANT_NO}</merchant><encrypt>&j;</encrypt></jdpay>"
)
FETCH = '<!DOCTYPE jdpay [<!ENTITY x SYSTEM "file:///etc/hostname">]><jdpay><merchant>&x;</merchant></jdpay>'


@pytest.mark.parametrize("text", [BOMB, FETCH, BOMB.encode("utf-16").decode("latin-1")])
def test_no_entity_grows_and_none_is_fetched(alone: Flask, books: Books, v2_shop: None, text: str) -> None:
    began = time.monotonic()
    assert answer_of(Message("/notify/jdpay", text.encode("latin-1")).send(alone.test_client()))[0] == 400
    assert time.monotonic() - began < 1
    books.assert_untouched()


def test_an_entity_inside_what_jd_sealed_does_not_grow_either(
    alone: Flask,
    books: Books,
    v2_shop: None,
    jd_side: JdSide,  # noqa: F811
) -> None:
    """Whoever held the merchant's key and JD's could put it there; the inner text is read by the same reader."""
    body = jd_side.message(
        "<tradeNum>&x;</tradeNum>", prolog='<?xml version="1.0"?><!DOCTYPE jdpay [<!ENTITY x "Y1">]>'
    )
    assert answer_of(Message("/notify/jdpay", body).send(alone.test_client()))[0] in (400, 401)
    books.assert_untouched()


def test_a_transfers_notice_is_kept_for_whoever_pays_people(alone: Flask, wechat: Wechat, books: Books) -> None:
    plain = {
        "out_bill_no": "P1", "transfer_bill_no": "13300", "state": "SUCCESS", "mch_id": "1900000001",
        "transfer_amount": 2000, "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "create_time": "2026-11-21T12:31:05+08:00", "update_time": "2026-11-21T12:31:09+08:00",
    }  # fmt: skip
    assert answer_of(wechat.tell("MCHTRANSFER.BILL.FINISHED", plain).send(alone.test_client())) == wechat.yes
    assert books.inbox() == [(0, "ignored", "transfer")]
    assert rows(books.database, "SELECT about, subject FROM inbox_notices") == [("transfer", "P1")]


def test_the_ledgers_three_figures_stand_beside_the_counters(alone: Flask) -> None:
    lines = alone.test_client().get("/metrics").text
    for name in ("clearing_open_fen", "timeliness_ratio", "completeness_ratio"):
        assert f"# TYPE yima_ledger_{name} gauge" in lines
