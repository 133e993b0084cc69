"""Open and link codes: claim the key in the lookup, commit, then write the merchant's row."""

import hashlib
from datetime import datetime

from portal.audit.rules import SYSTEM, Actor
from portal.codes import operations, queries
from portal.codes.rules import CODES_MOST, ENDED, LINKABLE, Scanned, canonical
from portal.merchants import queries as merchants
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import Refused
from portal.values.references import new_code


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
    now: datetime,
    actor: Actor = SYSTEM,
) -> int:
    """Link a WeChat code the merchant already has. Answers its code id.

    Raises Refused with the meaning (`alipay`, `payment_code`, …) for what cannot be linked, Refused(`taken`) when
    another merchant has linked the same code, Refused(`own_again`, code_id) when this one has, and `name_taken` or
    `too_many` as above.
    """
    kind = LINKABLE.get(scanned.meaning)
    if kind is None:
        raise Refused(scanned.meaning)
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
            now=now,
            actor=actor,
        )
    return code_id


def lookup_key(text: str) -> str:
    """The lookup's key of a foreign code's text."""
    return f"sha256:{hashlib.sha256(canonical(text).encode()).hexdigest()}"


def _check_room(codes: list[queries.CodeRow], name: str) -> None:
    if len(codes) >= CODES_MOST:
        raise Refused("too_many", most=CODES_MOST)
    for code in codes:
        if code.name == name and code.state not in ENDED:
            raise Refused("name_taken", code_id=code.code_id)
