"""What the owner sees of payments on static codes: who paid, who gave the reduction, and where we know it from."""

import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.payments import operations
from portal.payments.models import Payment
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.wallets.directory import Holding
from tests.factories.static_codes import NOW, REPORTED, ROUTED, SHOP, STATIC, link


def static(db: Database, keyring: Keyring) -> str:
    with db.transaction(merchant=SHOP) as session:
        operations.book_static(
            session,
            merchant_id=SHOP,
            answer=STATIC,
            payer_blind=None,
            reference_key=keyring.reference_key,
            now=NOW,
        )
        return str(session.scalar(sa.select(Payment.payment_no)))


def reported(db: Database, keyring: Keyring) -> str:
    with db.transaction(merchant=SHOP) as session:
        link(session, 2, Holding.PERSONAL)
        operations.book_reported(
            session, merchant_id=SHOP, code_id=2, word=REPORTED, reference_key=keyring.reference_key, now=NOW
        )
        return str(session.scalar(sa.select(Payment.payment_no)))


def test_a_static_payment_says_what_the_wire_told_and_can_be_refunded(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    number = static(db, keyring)
    page = owners_browser.get(f"/receipts/{number}").get_data(as_text=True)
    assert "17.00" in page
    assert "谁出的，钱包没有说" in page
    assert "静态码，金额是顾客自己填的" in page
    assert STATIC.order_no is not None
    assert STATIC.order_no in page
    assert f"/receipts/{number}/refund" in page
    assert "静态码" in owners_browser.get("/receipts").get_data(as_text=True)


def test_once_the_clearing_side_has_told_the_wallet_is_named(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    number = static(db, keyring)
    with db.transaction(merchant=SHOP) as session:
        operations.note_wallet(session, merchant_id=SHOP, word=ROUTED, now=NOW)
    page = owners_browser.get(f"/receipts/{number}").get_data(as_text=True)
    assert "京东支付立减" in page
    assert "京东出，不扣您的" in page
    assert "清算替身说：付款的是京东支付" in page
    asked = owners_browser.get(
        f"/receipts/{number}/refund/check", query_string={"amount": "10.00", "reason": "坏了一个", "key": "k"}
    )
    text = asked.get_data(as_text=True)
    assert "8.50" in text
    assert "京东收回立减" in text
    assert "1.50" in text


def test_a_payment_that_is_not_ours_says_so_and_offers_no_refund(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    number = reported(db, keyring)
    page = owners_browser.get(f"/receipts/{number}").get_data(as_text=True)
    assert "这笔不在您和一码的合同里" in page
    assert "到手多少" not in page
    assert "结算到您的银行卡" not in page
    assert f"/receipts/{number}/refund" not in page
    assert "码2" in page
    refused = owners_browser.get(f"/receipts/{number}/refund")
    assert refused.status_code == 409
    assert "没有公开接口能退" in refused.get_data(as_text=True)


def test_anybody_may_still_check_that_it_is_real(
    client: FlaskClient, owner: int, db: Database, keyring: Keyring
) -> None:
    number = static(db, keyring)
    page = client.get(f"/v/{number}").get_data(as_text=True)
    assert "阿珍水果摊" in page
    assert "17.00" not in page
    assert str(STATIC.transaction_id) not in page
