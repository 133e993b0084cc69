"""Open and link codes: claim the key in the lookup, commit, then write the merchant's row."""

import hashlib
from datetime import datetime

from portal.codes import operations
from portal.codes.rules import Meaning, Scanned
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.values.errors import Refused
from portal.values.references import new_code

_LINKABLE = {Meaning.WECHAT_MERCHANT: "linked_merchant", Meaning.WECHAT_PERSONAL: "linked_personal"}


def open_portal_code(
    db: Database, *, merchant_id: int, shop_id: int, name: str, portal_url: str, now: datetime
) -> int:
    """A new plate for a shop. Answers its code id."""
    with db.transaction(merchant=merchant_id) as session:
        code_id = operations.next_code_id(session, merchant_id)
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
) -> int:
    """Link a WeChat code the merchant already has. Answers its code id.

    Raises Refused with the meaning (`alipay`, `payment_code`, …) for what cannot be linked, and Refused(`taken`) when
    another merchant has linked the same code.
    """
    kind = _LINKABLE.get(scanned.meaning)
    if kind is None:
        raise Refused(scanned.meaning)
    key = lookup_key(scanned.text)
    with db.transaction(merchant=merchant_id) as session:
        code_id = operations.next_code_id(session, merchant_id)
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
        )
    return code_id


def lookup_key(text: str) -> str:
    """The lookup's key of a foreign code's text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
