"""Who takes part in a payment: the payer's app, the acquirer, the contract. `port.py` hands these words on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Wallet(StrEnum):
    """The payer's app. `unknown` is an honest answer: the wire did not tell."""

    WECHAT = "wechat"
    JDPAY = "jdpay"
    UNKNOWN = "unknown"


class Acquirer(StrEnum):
    """The institution whose merchant contract received the money."""

    WECHAT = "wechat"
    JDPAY = "jdpay"


@dataclass(frozen=True)
class Contract:
    """One sub-merchant's contract with one acquirer. `keys` holds JD's per-merchant secrets.

    `des_key` and `md5_key` for aggregate pay, the `v2_` ones of jdpay/v2/keys.py for a V2.0 contract of his own.
    """

    acquirer: Acquirer
    sub_merchant_no: str
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
