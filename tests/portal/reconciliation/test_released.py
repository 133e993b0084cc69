"""Money that came out of suspense stands in the bill under the order it was paid for, and is matched with it."""

from collections.abc import Callable

from portal.payments import operations as payments
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.reconciliation.queries import BatchRow, ItemRow
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Wallet
from tests.factories.bills import Line, wechat_bill
from tests.factories.payments import add_order
from tests.portal.reconciliation.conftest import AT, SHOP, WX


def test_a_released_receipt_balances_the_day_and_its_unpaid_order_is_no_second_side(
    db: Database,
    keyring: Keyring,
    reconcile: Callable[..., dict[str, BatchRow]],
    differences: Callable[..., list[ItemRow]],
) -> None:
    number = add_order(db, keyring, merchant_id=SHOP, amount=2000, now=AT)
    answer = PaymentAnswer(
        Acquirer.WECHAT,
        number,
        PaymentState.SUCCESS,
        WX,
        wallet=Wallet.WECHAT,
        transaction_id="4200000000",
        amount=1980,
        payer_amount=1980,
        paid_at=AT,
    )
    bill = wechat_bill(Line(number, 1980, AT, WX))
    with db.transaction(merchant=SHOP) as session:
        payments.book_unexplained(session, merchant_id=SHOP, answer=answer, reason="wrong_amount", now=AT)
    assert reconcile(bill)["wechat"].state == "unbalanced"
    with db.transaction(merchant=SHOP) as session:
        payments.book_released(
            session,
            merchant_id=SHOP,
            answer=answer,
            payer_blind=None,
            reference_key=keyring.reference_key,
            now=AT,
        )
    assert reconcile(bill)["wechat"].state == "balanced"
    assert differences() == []
