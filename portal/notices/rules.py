"""What becomes of a signed notice, and which word is asked about before anything follows from it."""

import hashlib
from datetime import timedelta
from enum import StrEnum

from portal.wallets.port import Acquirer, Notice


class State(StrEnum):
    """`applied` changed something, `ignored` said nothing new, `waiting` is to be asked about, `orphan` fits nothing
    of ours, `quarantined` is real but does not fit: somebody must look at the last two."""

    APPLIED = "applied"
    IGNORED = "ignored"
    WAITING = "waiting"
    ORPHAN = "orphan"
    QUARANTINED = "quarantined"


class About(StrEnum):
    """What a notice tells of; it decides how the wallet is asked."""

    PAYMENT = "payment"
    REFUND = "refund"
    TRANSFER = "transfer"
    ROUTED = "routed"
    NOTHING = "nothing"


# The scope of what nothing can attribute to a merchant.
PLATFORM = 0
# The clearing institution's stand-in has a row in the inbox too, under this name in the acquirers' column.
INTERCONNECT = "interconnect"
BODY_MOST = 64 * 1024
# A wallet's own word for the kind of a notice is kept to this length.
KIND_MOST = 40
# Longer than any number a wallet's own description allows (32), and what our columns hold.
_NUMBER_MOST, _SUB_MERCHANT_MOST, _NOTICE_ID_MOST = 64, 32, 120
# WeChat Pay waits 5 s for its answer (partner docs 4012085146). What is left after this is for the way there and back.
BUDGET_SECONDS = 4.4
# What one question to a wallet may take: among the pages' own, and in the notices' process. Where less is left of the
# budget, the question is left to the worker.
PAGES_ASK_SECONDS, ALONE_ASK_SECONDS = 4.0, 2.4

TO_CONFIRM = "to_confirm"
UNKNOWN_ORDER = "unknown_order"
UNKNOWN_REFUND = "unknown_refund"
UNKNOWN_SUB_MERCHANT = "unknown_sub_merchant"
NOT_OUR_NUMBER = "not_our_number"
NOT_CONFIRMED = "not_confirmed"
# A right signature under a wrong sum: the wallet is asked once more before anything is put aside.
DOUBTS = frozenset({"wrong_amount", "wrong_currency"})
# These may come right by themselves a moment later: our own row is being written, or an earlier notice is on its way.
EARLY = frozenset({UNKNOWN_ORDER, UNKNOWN_REFUND, UNKNOWN_SUB_MERCHANT})
# Orders that WeChat Pay makes itself when its payer scans a code of the merchant's (the sources do not say which).
STATIC_TRADE_TYPES = frozenset({"NATIVE", "JSAPI"})

# Notices sealed with 3DES and MD5 under a key that the merchant himself holds: a query confirms what they claim.
_CONFIRMED = frozenset({Acquirer.JDPAY})
# Seconds until a waiting notice is asked about (again); the last rung repeats while the wallet does not answer. What
# could have been asked about at once, and was not, is asked about soon.
_LADDER = (10, 60, 300, 1800, 7200)
_SOON = 2


def must_be_confirmed(acquirer: Acquirer) -> bool:
    """Whether this wallet's word changes a state of ours only after the wallet was asked."""
    return acquirer in _CONFIRMED


def asked_at_once(reason: str) -> bool:
    """Whether asking now helps; what comes too early is asked about by the job."""
    return reason == TO_CONFIRM or reason in DOUBTS


def wait(rung: int, reason: str) -> timedelta:
    """How long a waiting notice rests before it is asked about for the time number `rung`, counted from 0."""
    if rung == 0 and asked_at_once(reason):
        return timedelta(seconds=_SOON)
    return timedelta(seconds=_LADDER[min(rung, len(_LADDER) - 1)])


def is_last(rung: int) -> bool:
    """Whether an answer of "no" at this rung is taken as final."""
    return rung >= len(_LADDER) - 1


def can_be_kept(notice: Notice) -> bool:
    """Whether every number in it is as short as numbers are. A wallet's own never fail this; a shop that signs with the
    keys it shares with JD may write what it likes."""
    payment, refund = notice.payment, notice.refund
    sub_merchants = [about.sub_merchant_no for about in (payment, refund) if about is not None]
    numbers = [payment.order_no, payment.transaction_id] if payment is not None else []
    numbers += [refund.refund_no, refund.order_no, refund.wallet_refund_no] if refund is not None else []
    return (
        0 < len(notice.notice_id) <= _NOTICE_ID_MOST
        and all(len(number or "") <= _NUMBER_MOST for number in numbers)
        and all(len(number) <= _SUB_MERCHANT_MOST for number in sub_merchants)
    )


def about_of(notice: Notice) -> About:
    """What the notice tells of."""
    if notice.payment is not None:
        return About.PAYMENT
    if notice.refund is not None:
        return About.REFUND
    return About.TRANSFER if notice.transfer is not None else About.NOTHING


def subject_of(notice: Notice) -> str:
    """The number the notice is about: the order's, else the transaction's; the refund's; the transfer's."""
    if notice.payment is not None:
        return notice.payment.order_no or notice.payment.transaction_id or ""
    if notice.refund is not None:
        return notice.refund.refund_no
    return notice.transfer.transfer_no[:_NUMBER_MOST] if notice.transfer is not None else ""


def replay_key(notice: Notice) -> str:
    """Two notices with this in common are the same one.

    JD's have no number of their own: merchant, order and trade number, type and status make one (the kind carries the
    last two).
    """
    if notice.acquirer is not Acquirer.JDPAY:
        return notice.notice_id
    about = notice.payment or notice.refund
    trade = notice.payment.transaction_id if notice.payment is not None else None
    told = (about.sub_merchant_no if about is not None else "", subject_of(notice), trade or "", notice.kind)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:36]
