"""What a refund keeps of the words a wallet has said of it."""

from datetime import timedelta

from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.refunds import operations, queries
from portal.wallets.port import Acquirer, RefundAnswer, RefundState
from tests.factories.payments import add_payment, add_refund
from tests.portal.stall import NOW, SHOP


def test_what_a_wallet_has_said_once_stays_when_it_says_less_later(db: Database, keyring: Keyring) -> None:
    """Its own number, who received it, what the payer got, and since when it counts as accepted."""
    paid = add_payment(db, keyring, merchant_id=SHOP, amount=1_000, now=NOW)
    number = add_refund(db, keyring, merchant_id=SHOP, payment_no=paid, amount=300, now=NOW)
    later = NOW + timedelta(minutes=7)
    first = RefundAnswer(
        *(Acquirer.WECHAT, number, RefundState.PROCESSING, f"WX{SHOP}"),
        wallet_refund_no="5030",
        received_by="支付用户零钱",
        payer_amount=250,
        amount=300,
    )
    last = RefundAnswer(Acquirer.WECHAT, number, RefundState.SUCCESS, f"WX{SHOP}")
    for answer, moment in ((first, NOW), (last, later)):
        with db.transaction(merchant=SHOP) as session:
            assert operations.note_answer(session, merchant_id=SHOP, answer=answer, now=moment)
    with db.transaction(merchant=SHOP) as session:
        row = queries.refund(session, SHOP, number)
    assert row is not None
    assert (row.wallet_refund_no, row.received_by, row.payer_amount) == ("5030", "支付用户零钱", 250)
    assert (row.accepted_at, row.arrived_at) == (NOW, later)
