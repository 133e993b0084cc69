"""Note which wallet paid a transaction that the acquirer could not tell it of."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.events import operations as events
from portal.payments.models import Payment
from portal.payments.operations.booking import kept_promotions
from portal.payments.operations.rows import change
from portal.wallets.port import Promotion, Wallet
from portal.wallets.routed import RoutedPayment


class WalletNote(StrEnum):
    """What became of the word which wallet paid a transaction."""

    NOTED = "noted"
    KNOWN = "known"
    NO_PAYMENT = "no_payment"
    OTHER_WALLET = "other_wallet"
    WRONG_AMOUNT = "wrong_amount"


def note_wallet(session: Session, *, merchant_id: int, word: RoutedPayment, now: datetime) -> WalletNote:
    """The clearing side says which wallet paid a transaction that the acquirer has told of. Only `unknown` changes.

    NO_PAYMENT: the acquirer's own word is not here yet; ask for this one again.
    """
    here = (Payment.acquirer == word.acquirer, Payment.transaction_no == word.transaction_id)
    row = session.execute(
        sa.select(Payment.payment_no, Payment.wallet, Payment.amount, Payment.payer_amount, Payment.promotions)
        .where(Payment.merchant_id == merchant_id, *here)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return WalletNote.NO_PAYMENT
    if row.amount != word.amount:
        return WalletNote.WRONG_AMOUNT
    if row.wallet != Wallet.UNKNOWN:
        return WalletNote.KNOWN if row.wallet == word.wallet else WalletNote.OTHER_WALLET
    learned: dict[str, object] = {"wallet": word.wallet}
    if row.promotions and row.payer_amount == word.payer_amount and _same_sum(row.promotions, word.promotions):
        # The acquirer knows only that somebody else gave it; the account side knows that it was its own reduction.
        learned["promotions"] = kept_promotions(word.promotions)
    change(session, merchant_id, row.payment_no, Payment.wallet == Wallet.UNKNOWN, **learned)
    facts = {"wallet": word.wallet, "by": "interconnect", "number": word.clearing_no}
    events.append(
        session, merchant_id=merchant_id, kind="payment.wallet_told", subject=row.payment_no, now=now, facts=facts
    )
    return WalletNote.NOTED


def _same_sum(kept: list[Any], told: tuple[Promotion, ...]) -> bool:
    return sum(int(part["amount"]) for part in kept) == sum(part.amount for part in told)
