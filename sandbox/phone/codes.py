"""What a scanned text is, and what a wallet would open for it.

Prefixes as public code of wallets and aggregate payment platforms knows them; a plate of the portal is an address of
the portal itself.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from sandbox.phone.addresses import Foreign, Places, is_portal

LONGEST = 4296  # characters that the largest QR code can hold
_PLATE_SIGNS = frozenset("23456789ABCDEFGHJKMNPQRSTUVWXYZ")
_PLATE_LENGTH = 9


class Kind(StrEnum):
    """Kinds of code a wallet meets at a stall."""

    PORTAL = "portal"
    WECHAT_PERSONAL = "wechat_personal"
    WECHAT_MERCHANT = "wechat_merchant"
    WECHAT_ORDER = "wechat_order"
    ALIPAY = "alipay"
    UNIONPAY = "unionpay"
    ADDRESS = "address"
    TEXT = "text"


_PREFIXES = (
    ("weixin://wxpay/bizpayurl", Kind.WECHAT_ORDER),
    ("wxp://", Kind.WECHAT_PERSONAL),
    ("https://payapp.weixin.qq.com/", Kind.WECHAT_MERCHANT),
    ("https://action.weixin.qq.com/", Kind.WECHAT_MERCHANT),
    ("https://wx.tenpay.com/", Kind.WECHAT_MERCHANT),
    ("https://qr.alipay.com/", Kind.ALIPAY),
    ("https://qr.95516.com/", Kind.UNIONPAY),
)


@dataclass(frozen=True)
class Scan:
    """`opens` is the phone's own path that a scan leads to, None where this wallet can open nothing."""

    text: str
    kind: Kind
    opens: str | None


def read(text: str, places: Places) -> Scan:
    """Classify a text as scanned, pasted or typed. A plate's bare number counts as its address."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if number := _plate_number(plain):
        plain = f"{places.portal}/c/{number}"
    if is_portal(plain, places.portal):
        return Scan(plain, Kind.PORTAL, _shown(plain, places))
    lower = plain.lower()
    kind = next((kind for prefix, kind in _PREFIXES if lower.startswith(prefix)), None)
    if kind is None:
        kind = Kind.ADDRESS if lower.startswith(("http://", "https://")) else Kind.TEXT
    return Scan(plain, kind, None)


def _shown(url: str, places: Places) -> str | None:
    try:
        return places.shown(url)
    except Foreign:
        return None


def _plate_number(text: str) -> str | None:
    plain = text.upper().replace("-", "").replace(" ", "")
    return plain if len(plain) == _PLATE_LENGTH and set(plain) <= _PLATE_SIGNS else None
