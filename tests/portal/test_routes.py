"""Every route: who may call it, that its forms carry a token, that its answers carry their headers, and whose it is."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal.payments import operations as payments
from portal.payments.rules import Road
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.web import Audience
from portal.refunds import operations as refunds
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Wallet
from tests.factories.merchants import add_merchant, add_user
from tests.portal.audiences import AUDIENCES, FROM_A_WALLETS_PAGE, OPEN_TO_ANY_MEMBER, VALUES

SHOP_A, SHOP_B = 482913057, 590271846
CODE_A = "7KQ42MHDW"
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)


@pytest.fixture
def shops(db: Database, keyring: Keyring) -> dict[int, int]:
    """Two shops and their owners' user ids."""
    owners = {}
    for shop, phone, code in ((SHOP_A, "+8613800138001", CODE_A), (SHOP_B, "+8613800138002", None)):
        add_merchant(db, keyring, merchant_id=shop, name=f"店{shop}", code=code)
        owners[shop] = add_user(db, keyring, phone=phone, name="周建国", merchant_id=shop)
    return owners


@pytest.fixture
def things_of_a(shops: dict[int, int], db: Database, keyring: Keyring) -> dict[str, dict[str, str]]:
    """A paid payment of shop A and a refund of it, by the blueprint whose addresses they stand in."""
    with db.transaction(merchant=SHOP_A) as session:
        number = payments.create_order(
            session,
            merchant_id=SHOP_A,
            code_id=1,
            share_token=None,
            road=Road(Wallet.WECHAT, Acquirer.WECHAT),
            sub_merchant_no=f"WX{SHOP_A}",
            fee_rate_bp=38,
            amount=2000,
            note="",
            form_key="k1",
            reference_key=keyring.reference_key,
            now=NOW,
        )
        paid = PaymentAnswer(
            Acquirer.WECHAT,
            number,
            PaymentState.SUCCESS,
            f"WX{SHOP_A}",
            transaction_id="42",
            amount=2000,
            paid_at=NOW,
        )
        payments.book(session, merchant_id=SHOP_A, answer=paid, payer_blind=None, now=NOW)
        refund = refunds.request(
            session,
            merchant_id=SHOP_A,
            payment_no=number,
            amount=500,
            reason="",
            form_key="k2",
            asked_by=None,
            reference_key=keyring.reference_key,
            now=NOW,
        )
    return {"payment": {"number": number}, "refund": {"number": refund.refund_no}}


def rules(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if rule.endpoint != "static")


def url(app: Flask, rule: Rule, values: Mapping[str, str | int] = VALUES) -> str:
    with app.test_request_context():
        adapter = app.url_map.bind("127.0.0.1:8000")
        return adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments})


def test_every_route_is_in_the_table_of_audiences(app: Flask) -> None:
    declared = {rule.endpoint: app.view_functions[rule.endpoint].guard[0] for rule in rules(app)}
    assert declared == AUDIENCES, "a route came, went or changed its audience: decide, then write it into audiences.py"


def test_nobody_gets_past_a_guarded_route(app: Flask, client: FlaskClient) -> None:
    for rule in rules(app):
        if AUDIENCES[rule.endpoint] in (Audience.EVERYONE, Audience.PAYER, Audience.WALLET):
            continue
        for method in rule.methods & {"GET", "POST"}:
            app.config["WTF_CSRF_ENABLED"] = False
            response = client.open(url(app, rule), method=method)
            assert response.status_code == 302, f"{method} {rule} answered {response.status_code} to nobody"
            assert response.location.startswith("/login"), f"{method} {rule} led to {response.location}"


def test_every_form_needs_its_token(app: Flask, shops: dict[int, int], client_of: Callable[..., FlaskClient]) -> None:
    browser = client_of(shops[SHOP_A], SHOP_A)
    app.config["WTF_CSRF_ENABLED"] = True
    for rule in rules(app):
        if "POST" not in rule.methods or rule.endpoint in FROM_A_WALLETS_PAGE:
            continue
        if AUDIENCES[rule.endpoint] is not Audience.WALLET:
            response = browser.post(url(app, rule))
            assert response.status_code == 400, f"POST {rule} without a token answered {response.status_code}"


def test_what_belongs_to_another_shop_is_not_found(
    app: Flask,
    shops: dict[int, int],
    things_of_a: dict[str, dict[str, str]],
    client_of: Callable[..., FlaskClient],
) -> None:
    """Every address with a value in it, with shop A's own values: 404 for the owner of shop B, a page for A's."""
    of_a, of_b = client_of(shops[SHOP_A], SHOP_A), client_of(shops[SHOP_B], SHOP_B)
    found_by_a = set()
    for rule in rules(app):
        guarded = AUDIENCES[rule.endpoint] in (Audience.MEMBER, Audience.MANAGER, Audience.OWNER)
        if not guarded or not rule.arguments or rule.endpoint in OPEN_TO_ANY_MEMBER:
            continue
        for values in ({**VALUES, **thing} for thing in things_of_a.values()):
            address = url(app, rule, values)
            for method in sorted(rule.methods & {"GET", "POST"}):
                response = of_b.open(address, method=method)
                assert response.status_code == 404, f"{method} {address} answered {response.status_code} to a stranger"
            if "GET" in rule.methods and of_a.get(address).status_code == 200:
                found_by_a.add(rule.endpoint)
    assert {"receipts.receipt", "refunds.refund", "refunds.ask", "codes.page", "codes.suspend"} <= found_by_a


def test_the_console_is_not_there_for_a_shop_owner(
    app: Flask, shops: dict[int, int], client_of: Callable[..., FlaskClient]
) -> None:
    browser = client_of(shops[SHOP_A], SHOP_A)
    for rule in rules(app):
        if AUDIENCES[rule.endpoint] is Audience.STAFF:
            for method in rule.methods & {"GET", "POST"}:
                assert browser.open(url(app, rule), method=method).status_code == 404


def test_every_answer_carries_its_headers(app: Flask, client: FlaskClient) -> None:
    for path in ("/login", "/register", "/healthz", "/nowhere", "/c/nonsense", "/static/css/phone.css"):
        with client.get(path) as response:
            headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_page_is_never_kept_by_a_cache(client: FlaskClient) -> None:
    assert client.get("/login").headers["Cache-Control"] == "no-store"


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
