"""Conversations that prove a number: keep the code, commit, and let a worker send the SMS.

The worker sends, not the page: so the answer takes the same time whether or not the number is known.
"""

import logging
from datetime import datetime, timedelta

from portal.identity import operations, queries
from portal.identity.rules import SMS_CODE_AGAIN, SMS_CODE_LIFE_MINUTES, Limit, read_phone
from portal.plumbing.clock import now as clock_now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.jobs import defer
from portal.plumbing.sms import SmsRefused
from portal.plumbing.work import Tools
from portal.values.errors import Refused

log = logging.getLogger("portal.identity")

SEND_CODE = "identity.send_code"
_PLACE = "job|sms|{}"


def ask_for_code(
    db: Database, keys: Keyring, *, phone: str, purpose: str, address: str, locale: str, now: datetime
) -> None:
    """Have a code sent to a number for `register` or `reset`. Raises Refused(`bad_phone`, `too_soon`, `too_often`).

    A number nobody has registered gets no reset code, but the page cannot tell.
    """
    number = read_phone(phone)
    blind = keys.blind(number, kind="phone")
    with db.transaction() as session:
        last = queries.newest_sms_code(session, blind, purpose)
        if last is not None and last.used_at is None and last.created_at + SMS_CODE_AGAIN > now:
            raise Refused("too_soon", again_at=last.created_at + SMS_CODE_AGAIN)
    count_tries(db, [(Limit.SMS_BY_ADDRESS, address), (Limit.SMS_BY_PHONE, blind)], now=now)
    with db.transaction() as session:
        code = operations.keep_sms_code(session, phone_blind=blind, purpose=purpose, now=now)
        known = queries.password_of(session, blind) is not None
        sealed = keys.seal(f"{number} {code}", place=_PLACE.format(blind))
        silent = purpose == "reset" and not known
        until = (now + timedelta(minutes=SMS_CODE_LIFE_MINUTES)).isoformat()
        defer(session, SEND_CODE, sealed=sealed, blind=blind, locale=locale, silent=silent, until=until)


def send_code(tools: Tools, *, sealed: str, blind: str, locale: str, silent: bool, until: str) -> None:
    """The worker's half: open the number and the code, and hand them to the gateway.

    A code that has run out is not sent any more, and a gateway's final no is not asked again.
    """
    number, code = tools.keyring.open(sealed, place=_PLACE.format(blind)).split(" ")
    if silent or datetime.fromisoformat(until) <= clock_now():
        return
    try:
        tools.sms.send_code(phone=number, code=code, minutes=SMS_CODE_LIFE_MINUTES, locale=locale)
    except SmsRefused as refusal:
        log.warning("the gateway refused a code", extra={"code": refusal.code})


def count_tries(db: Database, tries: list[tuple[Limit, str]], *, now: datetime) -> None:
    """Count each deed in a transaction of its own: a refusal must not roll its own count back. Raises Refused."""
    for limit, key in tries:
        with db.transaction() as session:
            again_at = operations.count_try(session, limit, key, now=now)
        if again_at is not None:
            raise Refused("too_often", again_at=again_at)
