"""Whose contract goes by JD Pay V2.0: a merchant with a contract number and keys of his own.

Such a contract carries `v2_des_key`, `v2_rsa_private_key` (the merchant's), `v2_jd_public_key` and `v2_bill_key` beside
or instead of the keys of aggregate pay; keys are PEM or the bare base64 in which JD hands them out. Optional:
`v2_bill_owner`, where the owner of the bill is not the first nine digits of the contract number, and `v2_app_key`, for
a merchant's own app.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.wallets.errors import WalletRefused, WalletUnavailable
from portal.wallets.parties import Contract

_ANY = ("v2_des_key", "v2_rsa_private_key", "v2_jd_public_key")


@dataclass(frozen=True)
class V2Keys:
    """One merchant's secrets of V2.0."""

    merchant_no: str
    des_key: str = field(repr=False)
    private_key: str = field(repr=False)
    jd_public_key: str = field(repr=False)
    app_key: str | None = field(default=None, repr=False)


def goes_by_v2(keys: Mapping[str, str]) -> bool:
    """Whether these are the keys of a merchant with a V2.0 contract of his own."""
    return any(keys.get(name) for name in _ANY)


def keys_in(merchant_no: str, keys: Mapping[str, str]) -> V2Keys | None:
    """The merchant's V2.0 keys; None unless all three are there."""
    if not all(keys.get(name) for name in _ANY):
        return None
    des_key, private_key, jd_public_key = (keys[name] for name in _ANY)
    return V2Keys(merchant_no, des_key, private_key, jd_public_key, keys.get("v2_app_key"))


def keys_of(contract: Contract, *, agent_no: str) -> V2Keys:
    """The keys under which this merchant collects. Raises WalletRefused when the collector would be the agent."""
    if not contract.sub_merchant_no or contract.sub_merchant_no == agent_no:
        raise WalletRefused("COLLECTOR_IS_PROVIDER", "only a sub-merchant may collect")
    found = keys_in(contract.sub_merchant_no, contract.keys)
    if found is None:
        raise WalletUnavailable("KEYS_MISSING", contract.sub_merchant_no)
    return found
