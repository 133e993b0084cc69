"""The script of today and of the announcer, in Chromium, over HTTP."""

import re
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.serving import make_server

from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations as refunds
from portal.today import feed
from portal.wallets.port import Acquirer, RefundAnswer, RefundState
from tests.chromium import violations
from tests.factories.payments import add_payment, add_refund
from tests.portal.stall import SHOP

SPEECH = """
    window.said = [];
    window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
    const heard = { speak: (one) => window.said.push(one.text), cancel: () => {} };
    Object.defineProperty(window, "speechSynthesis", { value: heard });
"""

PACE = feed.Pace(poll=0.05, beat=0.5, life=60)
SHORT = feed.Pace(poll=0.05, beat=0.5, life=1)


@pytest.fixture
def address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(feed, "Pace", lambda: PACE)
    before = set(threading.enumerate())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    # A stream notices at its next beat that its browser is gone; only then has it given its connection back.
    for left in set(threading.enumerate()) - before:
        left.join(timeout=10)


@pytest.fixture
def open_page(
    browser: Browser, address: str, app: Flask, owner: int, client_of: Callable[..., FlaskClient]
) -> Iterator[Callable[..., Page]]:
    """The owner's phone: `open_page("/")`; `script=False` for one without."""
    client = client_of(owner, SHOP)
    client.get("/healthz")
    cookie = client.get_cookie("yima")
    assert cookie is not None
    contexts = []

    def open_it(path: str, *, script: bool = True, clock: bool = False, block: str = "") -> Page:
        context = browser.new_context(
            viewport={"width": 360, "height": 780}, java_script_enabled=script, locale="zh-CN"
        )
        contexts.append(context)
        context.add_cookies([{"name": "yima", "value": cookie.value, "url": address}])
        context.add_init_script(SPEECH)
        page = context.new_page()
        if clock:
            page.clock.install()
        if block:
            context.route(f"**{block}**", lambda route: route.abort())
        page.goto(address + path)
        return page

    yield open_it
    for context in contexts:
        context.close()


def pay(db: Database, keyring: Keyring, amount: int) -> str:
    return add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=now())


def test_a_payment_shows_by_itself_and_is_read_out(
    open_page: Callable[..., Page], db: Database, keyring: Keyring
) -> None:
    pay(db, keyring, 500)
    page = open_page("/")
    expect(page.locator(".amount--display")).to_have_text("¥5.00")
    expect(page.locator("[data-live-time]")).to_have_text(re.compile(r"\d\d:\d\d:\d\d 更新"))
    pay(db, keyring, 1_234)
    expect(page.locator(".amount--display")).to_have_text("¥17.34")
    expect(page.locator("#feed li")).to_have_count(2)
    expect(page.locator("[data-live-say]")).to_contain_text("¥12.34")
    assert violations(page) == []


def test_the_first_payment_replaces_the_empty_page(
    open_page: Callable[..., Page], db: Database, keyring: Keyring
) -> None:
    page = open_page("/")
    expect(page.get_by_text("还没有收款，先打印收款码")).to_be_visible()
    pay(db, keyring, 500)
    expect(page.locator(".amount--display")).to_have_text("¥5.00")


def test_what_has_the_focus_keeps_it(open_page: Callable[..., Page], db: Database, keyring: Keyring) -> None:
    number = pay(db, keyring, 500)
    page = open_page("/")
    page.locator(f'a[href="/receipts/{number}"]').focus()
    pay(db, keyring, 600)
    expect(page.locator("#feed li")).to_have_count(2)
    expect(page.locator(f'a[href="/receipts/{number}"]')).to_be_focused()


def test_a_refund_that_arrives_changes_its_page_and_its_sentence_can_still_be_copied(
    open_page: Callable[..., Page], db: Database, keyring: Keyring
) -> None:
    paid = pay(db, keyring, 500)
    facts = {"merchant_id": SHOP, "payment_no": paid, "amount": 500, "now": now()}
    number = add_refund(db, keyring, **facts, state=RefundState.PROCESSING)
    page = open_page(f"/refunds/{number}")
    expect(page.get_by_role("heading", level=1)).to_have_text("已受理，还没到账")
    arrived = RefundAnswer(Acquirer.WECHAT, number, RefundState.SUCCESS, f"WX{SHOP}", amount=500)
    with db.transaction(merchant=SHOP) as session:
        refunds.note_answer(session, merchant_id=SHOP, answer=arrived, now=now())
    expect(page.get_by_role("heading", level=1)).to_have_text("退款到账了")
    expect(page.get_by_role("button", name="复制这句话")).to_be_visible()


def test_a_line_that_ends_is_taken_up_where_it_ended(
    open_page: Callable[..., Page], db: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "Pace", lambda: SHORT)
    pay(db, keyring, 500)
    page = open_page("/")
    page.wait_for_timeout(1500)
    pay(db, keyring, 600)
    expect(page.locator(".amount--display")).to_have_text("¥11.00", timeout=10_000)


def test_fifteen_silent_seconds_are_said(open_page: Callable[..., Page], db: Database, keyring: Keyring) -> None:
    pay(db, keyring, 500)
    page = open_page("/", clock=True, block="/events")
    warning = page.locator("[data-live-silent]")
    expect(warning).to_be_hidden()
    page.route(lambda url: url.endswith("/"), lambda route: route.abort())
    page.clock.fast_forward(16_000)
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("数字可能不是最新的")


def test_without_the_feed_it_asks(open_page: Callable[..., Page], db: Database, keyring: Keyring) -> None:
    pay(db, keyring, 500)
    page = open_page("/", block="/events")
    pay(db, keyring, 600)
    expect(page.locator(".amount--display")).to_have_text("¥11.00", timeout=15_000)


def test_without_script_the_page_is_complete(open_page: Callable[..., Page], db: Database, keyring: Keyring) -> None:
    pay(db, keyring, 500)
    page = open_page("/", script=False)
    expect(page.locator(".amount--display")).to_have_text("¥5.00")
    expect(page.locator("[data-live-silent]")).to_be_hidden()


def test_the_announcer_speaks_after_a_tap_and_not_before(
    open_page: Callable[..., Page], db: Database, keyring: Keyring
) -> None:
    page = open_page("/announcer")
    expect(page.locator("#call-state")).to_contain_text("还没出声")
    pay(db, keyring, 500)
    expect(page.locator("#call-latest")).to_contain_text("¥5.00")
    assert page.evaluate("said") == []
    page.get_by_role("button", name="开启播报").click()
    expect(page.locator("#call-state")).to_have_text("播报正常")
    pay(db, keyring, 1_234)
    expect(page.locator("#call-latest")).to_contain_text("¥12.34")
    assert page.evaluate("said") == ["微信支付到账 5.00 元", "微信支付到账 12.34 元"]
    expect(page.locator("#call-recent li")).to_have_count(1)
    page.get_by_role("button", name="静音").click()
    pay(db, keyring, 100)
    expect(page.locator("#call-latest")).to_contain_text("¥1.00")
    assert len(page.evaluate("said")) == 2
    assert violations(page) == []


def test_the_announcer_turns_yellow_when_the_line_is_broken_and_back(
    open_page: Callable[..., Page], db: Database, keyring: Keyring
) -> None:
    pay(db, keyring, 500)
    page = open_page("/announcer", clock=True)
    expect(page.locator("#call-state")).to_contain_text("还没出声")
    broken: list[Route] = []
    page.route("**/events**", lambda route: (broken.append(route), route.abort()))
    page.evaluate("window.stop()")
    page.clock.fast_forward(16_000)
    expect(page.get_by_role("heading", name="播报断了")).to_be_visible()
    expect(page.locator("#call-since")).to_contain_text("秒")
    assert violations(page) == []
    page.unroute("**/events**")
    page.get_by_role("button", name="马上重连").click()
    expect(page.get_by_role("heading", name="播报断了")).to_be_hidden()
    expect(page.locator("#call-latest")).to_contain_text("¥5.00")
