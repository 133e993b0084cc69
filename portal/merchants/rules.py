"""An individual business's application: its steps, its states, what is shown of it; and the functions of a merchant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from portal.wallets.applications import ApplicationState, Document


class MerchantStatus(StrEnum):
    """`active` as soon as one wallet is open."""

    PENDING = "pending"
    ACTIVE = "active"
    CLOSED = "closed"


class State(StrEnum):
    """Where an application stands with us."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"


# What may follow what, with us. A returned application becomes a draft by its first change.
MOVES: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.SUBMITTED}),
    State.SUBMITTED: frozenset({State.APPROVED, State.RETURNED}),
    State.RETURNED: frozenset({State.DRAFT}),
    State.APPROVED: frozenset(),
}
EDITABLE = frozenset({State.DRAFT, State.RETURNED})
OPEN = EDITABLE | {State.SUBMITTED}

_S = ApplicationState
_UNDER_WAY = frozenset({_S.AUDITING, _S.TO_BE_CONFIRMED, _S.TO_BE_SIGNED, _S.OPENING})
_ENDS = frozenset({_S.FINISHED, _S.REJECTED, _S.CANCELED})
# What may follow what, at a wallet. Between two questions a wallet may have taken several steps.
WALLET_MOVES: Mapping[ApplicationState, frozenset[ApplicationState]] = {
    _S.NOT_SENT: frozenset({_S.SENDING}),
    _S.SENDING: frozenset({_S.NOT_SENT, _S.SENDING, _S.UNKNOWN}) | _UNDER_WAY | _ENDS,
    _S.UNKNOWN: frozenset({_S.NOT_SENT, _S.SENDING, _S.UNKNOWN}) | _UNDER_WAY | _ENDS,
    _S.AUDITING: _UNDER_WAY | _ENDS,
    _S.TO_BE_CONFIRMED: _UNDER_WAY | _ENDS,
    _S.TO_BE_SIGNED: frozenset({_S.TO_BE_SIGNED, _S.OPENING}) | _ENDS,
    _S.OPENING: frozenset({_S.OPENING}) | _ENDS,
    _S.REJECTED: frozenset(),
    _S.FINISHED: frozenset(),
    _S.CANCELED: frozenset(),
}
MAY_BE_SENT = frozenset({_S.NOT_SENT, _S.SENDING, _S.UNKNOWN})
MAY_BE_ASKED = _UNDER_WAY | {_S.SENDING, _S.UNKNOWN}
# A wallet that said no (or let it lapse) leaves room for another application.
FAILED = frozenset({_S.REJECTED, _S.CANCELED})

_PATIENCE = (
    (timedelta(seconds=20), timedelta(seconds=2)),
    (timedelta(minutes=1), timedelta(seconds=5)),
    (timedelta(minutes=10), timedelta(seconds=30)),
    (timedelta(hours=1), timedelta(minutes=1)),
    (timedelta(days=1), timedelta(minutes=10)),
)
_IN_THE_END = timedelta(hours=1)


def ask_again_after(unchanged_for: timedelta) -> timedelta:
    """How long to wait before asking a wallet again about an application that has stood still for so long."""
    return next((pause for limit, pause in _PATIENCE if unchanged_for < limit), _IN_THE_END)


class Function(StrEnum):
    """What may be taken away from a merchant for a time."""

    RECEIVE = "receive"
    REFUND = "refund"
    REBATE = "rebate"
    PAYOUT = "payout"


REASON_LEAST = 4
REASON_MOST = 500


class Step(StrEnum):
    """The short steps of the application, in their order."""

    LICENCE = "licence"
    PERSON = "person"
    ACCOUNT = "account"
    SHOP = "shop"


@dataclass(frozen=True)
class Answers:
    """What the owner has filled in so far; empty text or None where nothing is yet.

    `documents` names the stored picture of each kind. `id_valid_until` stays None for a card without an end, which
    `id_forever` tells.
    """

    licence_name: str = ""
    licence_number: str = ""
    licence_address: str = ""
    legal_person: str = ""
    id_number: str = field(default="", repr=False)
    id_valid_from: date | None = None
    id_valid_until: date | None = None
    id_forever: bool = False
    bank_name: str = ""
    account_number: str = field(default="", repr=False)
    shop_name: str = ""
    region_code: str = ""
    store_address: str = ""
    email: str = ""
    documents: Mapping[str, str] = field(default_factory=dict)


STEP_FIELDS: Mapping[Step, tuple[str, ...]] = {
    Step.LICENCE: ("licence_name", "licence_number", "licence_address"),
    Step.PERSON: ("legal_person", "id_number", "id_valid_from"),
    Step.ACCOUNT: ("bank_name", "account_number"),
    Step.SHOP: ("shop_name", "region_code", "store_address", "email"),
}
STEP_DOCUMENTS: Mapping[Step, tuple[Document, ...]] = {
    Step.LICENCE: (Document.LICENCE,),
    Step.PERSON: (Document.ID_FRONT, Document.ID_BACK),
    Step.ACCOUNT: (),
    Step.SHOP: (Document.STOREFRONT, Document.INTERIOR),
}
# These are encrypted; the rest is on the licence or the plate for everybody to read.
SEALED_FIELDS = ("legal_person", "id_number", "account_number")


def is_done(step: Step, answers: Answers) -> bool:
    """Whether everything a step asks for is there."""
    if step is Step.PERSON and not (answers.id_forever or answers.id_valid_until):
        return False
    return all(getattr(answers, name) for name in STEP_FIELDS[step]) and all(
        document in answers.documents for document in STEP_DOCUMENTS[step]
    )


def open_steps(answers: Answers) -> list[Step]:
    """The steps still to do, in their order."""
    return [step for step in Step if not is_done(step, answers)]


def reference(merchant_id: int, application_id: int) -> str:
    """Our number for an application at a wallet: letters and digits only, the same on every retry."""
    return f"YM{merchant_id}A{application_id}"


def masked_id_number(number: str) -> str:
    """`360426199101010071` as `3604**********0071`."""
    return f"{number[:4]}**********{number[-4:]}" if number else ""


def masked_account(number: str) -> str:
    """`6222021203008846217` as `**** 6217`."""
    return f"**** {number[-4:]}" if number else ""


def masked_name(name: str) -> str:
    """`陈珍珍` as `*珍珍`: the family name is hidden, as the wallets show it."""
    return f"*{name[1:]}" if len(name) > 1 else name
