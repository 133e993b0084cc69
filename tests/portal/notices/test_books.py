"""The ledger's three figures: what has not drained, what was booked late, what is not booked at all."""

from datetime import timedelta

import psycopg

from portal.ledger import operations as ledger
from portal.notices.books import measured
from portal.payments import operations as payments
from portal.payments.postings import unexplained
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.day import business_date
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState
from tests.conftest import TestDatabase
from tests.factories.payments import add_order, add_payment, add_refund

SHOP = 482913057
MOMENT = now() - timedelta(hours=1)


def figures(staff_db: Database) -> dict[str, str]:
    with staff_db.transaction() as session:
        lines = measured(session, now=now())
    return dict(line.removeprefix("yima_").rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_a_ledger_without_payments_is_well(staff_db: Database) -> None:
    assert figures(staff_db) == {
        'ledger_clearing_open_fen{account="suspense"}': "0",
        'ledger_clearing_open_fen{account="refund_in_flight:wechat"}': "0",
        'ledger_clearing_open_fen{account="refund_in_flight:jdpay"}': "0",
        "ledger_timeliness_ratio": "1.000000",
        "ledger_completeness_ratio": "1.000000",
        'suspense_cases{state="open"}': "0",
        'suspense_cases{state="proposed"}': "0",
        "suspense_oldest_seconds": "0",
        "relay_behind_seconds": "0",
    }


def test_what_waits_to_be_looked_at_is_told_with_its_age_for_an_alert(
    db: Database, staff_db: Database, keyring: Keyring
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=100, now=MOMENT)
    told = PaymentAnswer(
        Acquirer.WECHAT, number, PaymentState.SUCCESS, f"WX{SHOP}", transaction_id="42", amount=99, payer_amount=99
    )
    with db.transaction(merchant=SHOP) as session:
        payments.take(session, merchant_id=SHOP, answer=told, payer_blind=None, now=MOMENT)
    found = figures(staff_db)
    assert found['suspense_cases{state="open"}'] == "1"
    assert int(found["suspense_oldest_seconds"]) >= 3600
    assert int(found["relay_behind_seconds"]) >= 3600
    assert found['ledger_clearing_open_fen{account="suspense"}'] == "99"


def test_what_lies_on_accounts_that_must_drain_is_told(db: Database, staff_db: Database, keyring: Keyring) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=MOMENT)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=500, now=MOMENT)
    with db.transaction(merchant=SHOP) as session:
        move = unexplained(acquirer="wechat", transaction_no="42", amount=1_234, day=business_date(MOMENT))
        ledger.post(session, merchant_id=SHOP, moves=[move], now=MOMENT)
    found = figures(staff_db)
    assert found['ledger_clearing_open_fen{account="suspense"}'] == "1234"
    assert found['ledger_clearing_open_fen{account="refund_in_flight:wechat"}'] == "500"


def test_what_was_booked_late_and_what_is_not_booked_is_told(
    db: Database, staff_db: Database, keyring: Keyring, database: TestDatabase
) -> None:
    late, lost, _good = (add_payment(db, keyring, merchant_id=SHOP, amount=100 + n, now=MOMENT) for n in range(3))
    with psycopg.connect(database.owner) as connection:
        # No one but the tables' owner could do this, and he only without the rows' rules.
        connection.execute("ALTER TABLE transfers NO FORCE ROW LEVEL SECURITY")
        connection.execute("UPDATE transfers SET created_at = created_at + interval '2 min' WHERE ref = %s", (late,))
        connection.execute("DELETE FROM transfers WHERE ref = %s", (lost,))
        connection.execute("ALTER TABLE transfers FORCE ROW LEVEL SECURITY")
    found = figures(staff_db)
    assert (found["ledger_timeliness_ratio"], found["ledger_completeness_ratio"]) == ("0.333333", "0.666666")
