"""Open and link codes: claim the key in the lookup, commit, then write the merchant's row."""

import hashlib
from dataclasses import replace
from datetime import datetime

from portal.audit.rules import SYSTEM, Actor
from portal.codes import operations, queries
from portal.codes.rules import (
    CODES_MOST,
    ENDED,
    LINKABLE,
    LINKED_KINDS,
    NOTHING_FOUND,
    Finding,
    Match,
    Scanned,
    Verified,
    canonical,
    finding,
)
from portal.merchants import queries as merchants
from portal.merchants.answers import opened
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import Refused
from portal.values.references import new_code
from portal.wallets.directory import CodeDirectory

REFUSED_MATCHES = {Match.DIFFERENT: "other_holder", Match.NOT_VERIFIED: "not_verified"}


def open_portal_code(
    db: Database,
    *,
    merchant_id: int,
    shop_id: int,
    name: str,
    portal_url: str,
    now: datetime,
    actor: Actor = SYSTEM,
) -> int:
    """A new plate for a shop. Answers its code id.

    Raises Refused(`no_contract`) before any wallet is open, Refused(`too_many`), and Refused(`name_taken`, code_id)
    when another code has the name: two of one name could not be told apart, and a form sent twice makes one code.
    """
    with db.transaction(merchant=merchant_id) as session:
        if not merchants.contracts(session, merchant_id):
            raise Refused("no_contract")
        code_id = operations.next_code_id(session, merchant_id)
        _check_room(queries.codes(session, merchant_id), name)
        number = new_code()
        # The number is random and the claim idempotent, so claim and row may share this transaction on one node.
        if not operations.claim(session, key=number, merchant_id=merchant_id, code_id=code_id):
            raise Refused("try_again")
        operations.add_portal_code(
            session,
            merchant_id=merchant_id,
            code_id=code_id,
            shop_id=shop_id,
            number=number,
            name=name,
            printed_url=f"{portal_url}/c/{number}",
            now=now,
            actor=actor,
        )
    return code_id


def link_code(
    db: Database,
    keyring: Keyring,
    *,
    merchant_id: int,
    shop_id: int,
    name: str,
    scanned: Scanned,
    found: Finding = NOTHING_FOUND,
    now: datetime,
    actor: Actor = SYSTEM,
) -> int:
    """Link a WeChat code the merchant already has. Answers its code id.

    Raises Refused with the meaning (`alipay`, `payment_code`, …) for what cannot be linked, Refused(`taken`) when
    another merchant has linked the same code, Refused(`own_again`, code_id) when this one has, and `name_taken` or
    `too_many` as above. `found` is what `look_up` answered: a code whose holder is somebody else is Refused
    (`other_holder`, `not_verified`).
    """
    kind = LINKABLE.get(scanned.meaning)
    if kind is None:
        raise Refused(scanned.meaning)
    if found.match in REFUSED_MATCHES:
        raise Refused(REFUSED_MATCHES[found.match])
    if found.holder is not None:
        kind = LINKED_KINDS[found.holder.holding]
    key = lookup_key(scanned.text)
    with db.transaction(merchant=merchant_id) as session:
        code_id = operations.next_code_id(session, merchant_id)
        owner = queries.whose(session, key)
        if owner is not None and owner[0] == merchant_id:
            raise Refused("own_again", code_id=owner[1])
        _check_room(queries.codes(session, merchant_id), name)
        if not operations.claim(session, key=key, merchant_id=merchant_id, code_id=code_id):
            raise Refused("taken")
        operations.add_linked_code(
            session,
            merchant_id=merchant_id,
            code_id=code_id,
            shop_id=shop_id,
            kind=kind,
            name=name,
            foreign_sealed=keyring.seal(scanned.text, place=f"codes|foreign|{merchant_id}-{code_id}"),
            issuer="wechat",
            holding=found.holding,
            told_by=found.told_by,
            holder_sealed=_sealed_holder(keyring, found, merchant_id, code_id),
            now=now,
            actor=actor,
        )
    return code_id


def look_up(db: Database, keyring: Keyring, directory: CodeDirectory | None, *, merchant_id: int, text: str) -> Finding:
    """Ask the directory whose code this is, and compare the answer with the merchant. Nothing is written.

    Raises Refused(`unknown_code`) when nobody has filed the code, and WalletError when the directory cannot be asked.
    """
    if directory is None:
        return NOTHING_FOUND
    holder = directory.resolve_code(text)
    if holder is None:
        raise Refused("unknown_code")
    with db.transaction(merchant=merchant_id) as session:
        contracts = merchants.contracts(session, merchant_id)
        approved = [row for row in merchants.applications(session, merchant_id) if row.state == "approved"]
    verified = Verified(sub_merchant_nos={name: row.sub_merchant_no for name, row in contracts.items()})
    if approved:
        newest = approved[0]
        told = opened(
            keyring,
            merchant_id=merchant_id,
            application_id=newest.application_id,
            plain=newest.plain,
            sealed=newest.sealed,
        )
        verified = replace(verified, businesses=(told.licence_name, told.shop_name), person=told.legal_person)
    return finding(holder, verified)


def holder_place(merchant_id: int, code_id: int) -> str:
    """Where the sealed name of a code's holder belongs."""
    return f"codes|holder|{merchant_id}-{code_id}"


def _sealed_holder(keyring: Keyring, found: Finding, merchant_id: int, code_id: int) -> str | None:
    if found.holder is None:
        return None
    return keyring.seal(found.holder.holder_name, place=holder_place(merchant_id, code_id))


def lookup_key(text: str) -> str:
    """The lookup's key of a foreign code's text."""
    return f"sha256:{hashlib.sha256(canonical(text).encode()).hexdigest()}"


def _check_room(codes: list[queries.CodeRow], name: str) -> None:
    if len(codes) >= CODES_MOST:
        raise Refused("too_many", most=CODES_MOST)
    for code in codes:
        if code.name == name and code.state not in ENDED:
            raise Refused("name_taken", code_id=code.code_id)
