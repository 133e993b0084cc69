"""Many taps at once, through HTTP: a server with threads, PostgreSQL, forms with their one-time keys and tokens."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from portal.ledger import queries as ledger
from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds.models import Refund
from portal.wallets.port import Acquirer, RefundAnswer, RefundState, RefundToSend
from tests.conftest import TestDatabase
from tests.factories.payments import add_payment
from tests.factories.wallets import ScriptedWallet
from tests.portal.stall import SHOP

AT_ONCE = 40


@pytest.fixture
def port(app: Flask) -> Iterator[int]:
    app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()
    # Waits for the threads that answer.
    server.server_close()


@pytest.fixture
def cookie(owner: int, client_of: Callable[..., FlaskClient]) -> str:
    client = client_of(owner, SHOP)
    client.get("/healthz")
    found = client.get_cookie("yima")
    assert found is not None
    return f"yima={found.value}"


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def fetch(port: int, cookie: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Status, where it leads, and the page, which ends with the cookie that came with it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST" if form else "GET", path, urlencode(form or {}), headers)
    answer = connection.getresponse()
    said = answer.status, answer.headers.get("Location", ""), answer.read().decode()
    fresh = answer.headers.get("Set-Cookie")
    connection.close()
    return said if fresh is None else (said[0], said[1], f"{said[2]}<!--{fresh.split(';')[0]}-->")


def patiently(port: int, cookie: str, path: str, form: dict[str, str]) -> tuple[int, str, str]:
    """Who waited too long for a lock, as happens on a busy machine, taps the same page again."""
    for _ in range(9):
        answer = fetch(port, cookie, path, form)
        if answer[0] < 500:
            return answer
    return fetch(port, cookie, path, form)


def wait_for_waiters(database: TestDatabase, least: int) -> None:
    """Until so many connections wait for a row's lock."""
    with psycopg.connect(database.staff, autocommit=True) as watcher:
        for _ in range(200):
            row = watcher.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if row is not None and row[0] >= least:
                return
            watcher.execute("SELECT pg_sleep(0.01)")
    raise AssertionError(f"fewer than {least} waited")


def test_forty_refunds_of_thirty_yuan_racing_on_a_hundred_leave_exactly_ninety_refunded(
    port: int,
    cookie: str,
    database: TestDatabase,
    db: Database,
    keyring: Keyring,
    wallets: dict[Acquirer, ScriptedWallet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=10_000, now=now())
    sent: list[str] = []

    def arrives(request: RefundToSend) -> RefundAnswer:
        sent.append(request.refund_no)
        return RefundAnswer(Acquirer.WECHAT, request.refund_no, RefundState.SUCCESS, f"WX{SHOP}", amount=request.amount)

    monkeypatch.setattr(wallets[Acquirer.WECHAT], "refund", arrives)
    path = f"/receipts/{paid}/refund/check"
    _, _, page = fetch(port, cookie, f"{path}?{urlencode({'amount': '30', 'reason': '多收了', 'key': 'first'})}")
    signed_in = page.rpartition("<!--")[2].removesuffix("-->")
    token = hidden(page)["csrf_token"]
    everybody = threading.Barrier(AT_ONCE)

    def tap(number: int) -> tuple[int, bool]:
        form = {"amount": "30.00", "reason": "多收了", "available": "10000", "key": f"tap-{number}"}
        everybody.wait()
        status, leads_to, _ = patiently(port, signed_in, path, {**form, "csrf_token": token})
        return status, leads_to.startswith("/refunds/R")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        with psycopg.connect(database.staff) as holder:
            # Nobody passes this lock until several have looked and found ¥100 available.
            holder.execute("SELECT 1 FROM payments WHERE payment_no = %s FOR UPDATE", [paid])
            taps = [pool.submit(tap, number) for number in range(AT_ONCE)]
            wait_for_waiters(database, 5)
        ends = Counter(one.result() for one in taps)
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
        written = session.execute(sa.select(sa.func.count(), sa.func.sum(Refund.amount))).one()
        nets = {code: balance.net for code, balance in ledger.balances(session, SHOP).items()}
    assert row is not None
    assert (row.refunded, row.refund_reserved) == (9_000, 0)
    assert tuple(written) == (3, 9_000)
    assert len(sent) == len(set(sent)) == 3
    assert (nets["merchant_payable"], nets["refund_in_flight:wechat"]) == (-1_000, 0)
    # All others are shown what is left: ¥10.
    assert ends == {(303, True): 3, (422, False): AT_ONCE - 3}


def test_twelve_taps_on_one_form_are_one_refund(
    port: int, cookie: str, db: Database, keyring: Keyring, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=10_000, now=now())
    path = f"/receipts/{paid}/refund/check"
    _, _, page = fetch(port, cookie, f"{path}?{urlencode({'amount': '30', 'reason': '多收了', 'key': 'only'})}")
    signed_in = page.rpartition("<!--")[2].removesuffix("-->")
    form = hidden(page)
    everybody = threading.Barrier(12)

    def tap(_: int) -> str:
        everybody.wait()
        return patiently(port, signed_in, path, form)[1]

    with ThreadPoolExecutor(12) as pool:
        led_to = set(pool.map(tap, range(12)))
    assert len(led_to) == 1
    assert [method for method, _ in wallets[Acquirer.WECHAT].asked] == ["refund"]
    with db.transaction(merchant=SHOP) as session:
        row = payments.payment(session, SHOP, paid)
    assert row is not None
    assert row.refund_reserved == 3_000
