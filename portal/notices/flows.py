"""A wallet tells: verify the raw bytes, find the merchant, store and apply, commit, and only then say yes."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.notices import operations
from portal.notices.operations import Letter
from portal.notices.rules import PLATFORM, State
from portal.payments.flows import Parties
from portal.values.errors import InvalidReference
from portal.values.references import Kind, merchant_of
from portal.wallets.errors import NoticeRejected
from portal.wallets.port import Acquirer, Notice

log = logging.getLogger("portal.notices")


def receive(
    parties: Parties, *, acquirer: Acquirer, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[int, str, str]:
    """Answer status, media type and body. A 2xx is returned only after the commit; an exception means try again."""
    wallet = parties.wallets[acquirer]
    try:
        notice = wallet.read_notice(
            headers=headers, body=body, now=now, keys_of=lambda number: _keys_of(parties, acquirer, number)
        )
    except NoticeRejected as rejection:
        log.info("notice rejected", extra={"acquirer": acquirer, "reason": rejection.reason, "probe": rejection.probe})
        return wallet.notice_reply(accepted=False, reason=rejection.reason)
    owner = _owner(parties, notice)
    letter = _letter(parties, notice, owner, body)
    with parties.database.transaction(merchant=owner) as session:
        reading = operations.take_in(session, merchant_id=owner, letter=letter, now=now)
    if reading is not None and reading.state in (State.ORPHAN, State.QUARANTINED):
        log.warning("notice needs a look", extra={"acquirer": acquirer, "merchant": owner, "reason": reading.reason})
    return wallet.notice_reply(accepted=True)


def _owner(parties: Parties, notice: Notice) -> int:
    """Whose contract got the money. The order number is checked against it, never trusted instead of it."""
    about = notice.payment or notice.refund
    if about is None:
        return PLATFORM
    with parties.database.transaction() as session:
        found = merchants.merchant_of_contract(session, about.acquirer, about.sub_merchant_no)
    return PLATFORM if found is None else found


def _letter(parties: Parties, notice: Notice, owner: int, body: bytes) -> Letter:
    digest = hashlib.sha256(body).hexdigest()
    place = f"inbox_notices|body|{notice.acquirer}-{notice.notice_id}"
    payer = notice.payment.payer_id if notice.payment is not None else None
    return Letter(
        notice=notice,
        body_sealed=parties.keyring.seal(body.decode("utf-8", errors="replace"), place=place),
        body_sha256=digest,
        payer_blind=parties.keyring.blind(payer, kind="payer") if payer else None,
        mismatch=_mismatch(parties, notice, owner),
    )


def _mismatch(parties: Parties, notice: Notice, owner: int) -> str | None:
    if notice.payment is not None:
        return _belongs(parties, Kind.ORDER, notice.payment.order_no or "", owner)
    if notice.refund is not None:
        return _belongs(parties, Kind.REFUND, notice.refund.refund_no, owner)
    return None


def _belongs(parties: Parties, kind: Kind, number: str, owner: int) -> str | None:
    try:
        minted_for = merchant_of(number, kind=kind, key=parties.keyring.reference_key)
    except InvalidReference:
        return "not_our_number"
    return None if minted_for == owner else "other_merchants_number"


def _keys_of(parties: Parties, acquirer: Acquirer, number: str) -> Mapping[str, str] | None:
    with parties.database.transaction() as session:
        owner = merchants.merchant_of_contract(session, acquirer, number)
    if owner is None:
        return None
    with parties.database.transaction(merchant=owner) as session:
        row = merchants.contracts(session, owner).get(acquirer)
    if row is None or row.sub_merchant_no != number:
        return None
    return open_contract(parties.keyring, merchant_id=owner, row=row).keys
