"""The ordinary notice in one round trip: an order of ours, paid exactly as it was placed.

The order's number names its merchant under our own seal, and the database compares the contract with the one the order
was placed under; so nothing has to be looked up first. Whatever is not ordinary changes nothing here.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from portal.notices.operations import Paper
from portal.notices.rules import must_be_confirmed
from portal.payments import operations as payments
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import InvalidReference
from portal.values.references import Kind, merchant_of
from portal.wallets.port import PaymentAnswer, PaymentState

_BOOKED, _LOOK = "booked", "look"
# The function's text stands in migration 0007.
_TAKE = sa.text(f"SELECT notice_take(:inbox, :body, {payments.PAID_VALUES})").bindparams(
    sa.bindparam("inbox", type_=JSONB), sa.bindparam("paid", type_=JSONB)
)


class _Guess:
    """The fee rate (basis points) that was right last: most merchants have the published one.

    Only a guess, which the database compares with the order's own.
    """

    rate = 38


_guess = _Guess()


def take(database: Database, keyring: Keyring, *, answer: PaymentAnswer, paper: Paper, now: datetime) -> int | None:
    """The merchant whose payment was booked, or None: then look closer, nothing has changed."""
    owner = _owner(keyring, answer)
    if owner is None:
        return None
    blind = keyring.blind(answer.payer_id, kind="payer") if answer.payer_id else None
    inbox = {name: value for name, value in vars(paper).items() if name != "body_sealed"}
    for _ in range(2):
        paid = payments.paid_values(
            merchant_id=owner, answer=answer, fee_rate_bp=_guess.rate, payer_blind=blind, now=now
        )
        try:
            said = database.at_once(_TAKE, {**paid, "inbox": inbox, "body": paper.body_sealed})
        except DBAPIError:
            # In the inbox already, another order's transaction, or a connection that went away: the long way finds out.
            return None
        if said == _BOOKED:
            return owner
        if said == _LOOK:
            return None
        _guess.rate = int(said)
    return None


def _owner(keyring: Keyring, answer: PaymentAnswer) -> int | None:
    """Whose order it is, where the notice may be an ordinary one."""
    told = answer.state is PaymentState.SUCCESS and answer.amount is not None and answer.transaction_id is not None
    if not told or answer.currency != payments.CURRENCY or must_be_confirmed(answer.acquirer):
        return None
    if answer.payer_amount is not None and not 0 <= answer.payer_amount <= (answer.amount or 0):
        return None
    try:
        return merchant_of(answer.order_no or "", kind=Kind.ORDER, key=keyring.reference_key)
    except InvalidReference:
        return None
