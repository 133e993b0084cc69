"""A contract's keys lie sealed; this is the one place that seals and opens them."""

import json
from collections.abc import Mapping

from portal.merchants.queries import ContractRow
from portal.plumbing.crypto import Keyring
from portal.wallets.port import Acquirer, Contract


def seal_keys(keyring: Keyring, *, merchant_id: int, acquirer: str, keys: Mapping[str, str]) -> str | None:
    """The sub-merchant's own keys (JD has some, WeChat has none) for the database."""
    if not keys:
        return None
    return keyring.seal(json.dumps(dict(keys), sort_keys=True), place=_place(merchant_id, acquirer))


def open_contract(keyring: Keyring, *, merchant_id: int, row: ContractRow) -> Contract:
    """The contract as the wallet port wants it."""
    keys = json.loads(keyring.open(row.keys_sealed, place=_place(merchant_id, row.acquirer))) if row.keys_sealed else {}
    return Contract(Acquirer(row.acquirer), row.sub_merchant_no, keys)


def _place(merchant_id: int, acquirer: str) -> str:
    return f"contracts|keys|{merchant_id}-{acquirer}"
