"""What a code may become, and what the text of a foreign code means."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from portal.values.errors import InvalidReference
from portal.values.references import read_code
from portal.wallets.directory import CodeHolder, Holding

NAME_MOST = 20
CODES_MOST = 50
# The longest text a QR code can hold is 7,089 digits; no code of a wallet comes near this.
TEXT_MOST = 1000
_TOKEN_LEAST = 8


class State(StrEnum):
    """A plate's life."""

    PRINTED = "printed"
    BOUND = "bound"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    SUSPECT = "suspect"
    LOST = "lost"
    REPLACED = "replaced"
    RETIRED = "retired"


class Fact(StrEnum):
    """What can happen to a plate."""

    BOUND = "bound"
    STARTED = "started"
    SUSPENDED = "suspended"
    SUSPECTED = "suspected"
    LOST = "lost"
    REPLACED = "replaced"
    RETIRED = "retired"


_ENDING = {Fact.LOST: State.LOST, Fact.REPLACED: State.REPLACED, Fact.RETIRED: State.RETIRED}
_NOTHING: dict[Fact, State | None] = dict.fromkeys(Fact)

# Complete over State × Fact; None means the fact changes nothing.
TRANSITIONS: dict[State, dict[Fact, State | None]] = {
    State.PRINTED: {**_NOTHING, Fact.BOUND: State.BOUND, Fact.RETIRED: State.RETIRED},
    State.BOUND: {**_NOTHING, **_ENDING, Fact.STARTED: State.ACTIVE},
    State.ACTIVE: {**_NOTHING, **_ENDING, Fact.SUSPENDED: State.SUSPENDED, Fact.SUSPECTED: State.SUSPECT},
    State.SUSPENDED: {**_NOTHING, **_ENDING, Fact.STARTED: State.ACTIVE, Fact.SUSPECTED: State.SUSPECT},
    State.SUSPECT: {**_NOTHING, **_ENDING, Fact.STARTED: State.ACTIVE, Fact.SUSPENDED: State.SUSPENDED},
    State.LOST: {**_NOTHING, Fact.REPLACED: State.REPLACED, Fact.RETIRED: State.RETIRED},
    State.REPLACED: dict(_NOTHING),
    State.RETIRED: dict(_NOTHING),
}


def after(state: State, fact: Fact) -> State | None:
    """The state that `fact` leads to, or None when it changes nothing."""
    return TRANSITIONS[state][fact]


# A plate in these states is worth printing; the others will never be paid again.
PRINTABLE = frozenset({State.PRINTED, State.BOUND, State.ACTIVE, State.SUSPENDED})
ENDED = frozenset({State.LOST, State.REPLACED, State.RETIRED})


class Meaning(StrEnum):
    """What a scanned text is."""

    WECHAT_PERSONAL = "wechat_personal"
    WECHAT_MERCHANT = "wechat_merchant"
    WECHAT_ORDER = "wechat_order"
    PORTAL = "portal"
    ALIPAY = "alipay"
    UNIONPAY = "unionpay"
    JD = "jd"
    PAYMENT_CODE = "payment_code"
    WEB_PAGE = "web_page"
    UNKNOWN = "unknown"


# What may be linked, and as which kind of code it is kept.
LINKABLE = {Meaning.WECHAT_MERCHANT: "linked_merchant", Meaning.WECHAT_PERSONAL: "linked_personal"}


# A directory knows better than a prefix whether a person or a business receives.
LINKED_KINDS = {
    Holding.OWN_SUB_MERCHANT: "linked_merchant",
    Holding.OTHER_CONTRACT: "linked_merchant",
    Holding.PERSONAL: "linked_personal",
}


@dataclass(frozen=True)
class Scanned:
    """A text with its meaning; `number` is set for a plate of ours."""

    text: str
    meaning: Meaning
    number: str | None = None


class ToldBy(StrEnum):
    """Who tells us of the payments on a linked code."""

    ACQUIRER = "acquirer"
    INTERCONNECT = "interconnect"
    NOBODY = "nobody"


class Match(StrEnum):
    """How the holder a directory names compares with the merchant we have verified.

    `mask_fits`: of a person's name only a part is shown, and that part fits; it proves nothing more.
    """

    SAME = "same"
    MASK_FITS = "mask_fits"
    DIFFERENT = "different"
    NOT_VERIFIED = "not_verified"


@dataclass(frozen=True)
class Verified:
    """Who the merchant is, as far as it was verified: the names of the business, its person, its own contracts."""

    businesses: tuple[str, ...] = ()
    person: str = ""
    sub_merchant_nos: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What was found out about a code before it is linked. `holder` is None where no directory could be asked."""

    holder: CodeHolder | None
    match: Match | None
    told_by: ToldBy

    @property
    def holding(self) -> Holding | None:
        return self.holder.holding if self.holder else None


# A production without a directory: nobody tells whose code it is, and nobody promises to tell of its payments.
NOTHING_FOUND = Finding(None, None, ToldBy.NOBODY)


def finding(holder: CodeHolder, verified: Verified) -> Finding:
    """Put together what a directory said and what we know of the merchant."""
    own = holder.holding is Holding.OWN_SUB_MERCHANT
    return Finding(holder, compare(holder, verified), ToldBy.ACQUIRER if own else ToldBy.INTERCONNECT)


def compare(holder: CodeHolder, verified: Verified) -> Match:
    """Whether the code is the merchant's own: by contract where it is ours, else by the holder's name."""
    if holder.holding is Holding.OWN_SUB_MERCHANT:
        own = verified.sub_merchant_nos.get(holder.acquirer)
        return Match.SAME if own is not None and own == holder.sub_merchant_no else Match.DIFFERENT
    if holder.holding is Holding.PERSONAL:
        if not verified.person:
            return Match.NOT_VERIFIED
        return _compare_person(holder.holder_name, verified.person)
    names = {plain_name(name) for name in (*verified.businesses, verified.person) if name}
    if not names:
        return Match.NOT_VERIFIED
    return Match.SAME if plain_name(holder.holder_name) in names else Match.DIFFERENT


def plain_name(name: str) -> str:
    """A name as it is compared: one width, no blanks, no brackets, no case."""
    kept = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in kept if sign.isalnum() or sign == "*")


def _compare_person(shown: str, person: str) -> Match:
    mask, name = plain_name(shown), plain_name(person)
    fits = len(mask) == len(name) and all(sign in ("*", known) for sign, known in zip(mask, name, strict=True))
    if not fits:
        return Match.DIFFERENT
    return Match.MASK_FITS if "*" in mask else Match.SAME


# Prefixes as the WeChat client itself treats them, and as seen on public plates; compared without regard to case.
_PREFIXES: tuple[tuple[str, Meaning], ...] = (
    ("wxp://f2f", Meaning.WECHAT_PERSONAL),
    ("wxp://wbf2f", Meaning.WECHAT_PERSONAL),
    ("https://payapp.weixin.qq.com/qr/", Meaning.WECHAT_PERSONAL),
    ("wxp://", Meaning.WECHAT_MERCHANT),
    ("https://payapp.weixin.qq.com/", Meaning.WECHAT_MERCHANT),
    ("https://action.weixin.qq.com/", Meaning.WECHAT_MERCHANT),
    ("weixin://wxpay/bizpayurl", Meaning.WECHAT_ORDER),
    ("weixin://wxpay/", Meaning.WECHAT_MERCHANT),
    ("https://wx.tenpay.com/", Meaning.WECHAT_ORDER),
    ("https://qr.alipay.com/", Meaning.ALIPAY),
    ("https://qr.95516.com/", Meaning.UNIONPAY),
    ("https://h5pay.jd.com/", Meaning.JD),
    ("https://payx.jd.com/", Meaning.JD),
)


def read(text: str, *, portal_url: str) -> Scanned:
    """Tell what a scanned text is. Only a host that is exactly ours makes a plate of ours."""
    plain = text.strip()
    number = _own_number(plain, portal_url)
    if number is not None:
        return Scanned(plain, Meaning.PORTAL, number)
    lowered = plain.lower()
    for prefix, meaning in _PREFIXES:
        if lowered.startswith(prefix) and _is_whole(plain[len(prefix) :], meaning):
            return Scanned(plain, meaning)
    if _is_payment_code(plain):
        return Scanned(plain, Meaning.PAYMENT_CODE)
    return Scanned(plain, Meaning.WEB_PAGE if lowered.startswith(("http://", "https://")) else Meaning.UNKNOWN)


def _is_whole(token: str, meaning: Meaning) -> bool:
    """Half a text, cut while copying, must not be linked: 30 to 70 signs stand behind the prefix of a real code."""
    if meaning not in (Meaning.WECHAT_PERSONAL, Meaning.WECHAT_MERCHANT):
        return True
    return len(token) >= _TOKEN_LEAST and len(token) <= TEXT_MOST and all("!" <= sign <= "~" for sign in token)


def canonical(text: str) -> str:
    """One spelling for each code, so that it is linked once: scheme and, in a web address, host in lower case."""
    plain = text.strip()
    scheme, colon, rest = plain.partition("://")
    if not colon:
        return plain
    if scheme.lower() not in ("http", "https"):
        return f"{scheme.lower()}://{rest}"
    parts = urlsplit(plain)
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, parts.query, parts.fragment))


def _own_number(text: str, portal_url: str) -> str | None:
    try:
        parts, ours = urlsplit(text), urlsplit(portal_url)
    except ValueError:
        return None
    if (parts.scheme.lower(), parts.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
        return None
    head, _, tail = parts.path.rpartition("/")
    if head != f"{ours.path}/c":
        return None
    try:
        return read_code(tail)
    except InvalidReference:
        return None


def _is_payment_code(text: str) -> bool:
    """A code shown to be scanned by the shop: WeChat 18 digits 10-15, Alipay 16-24 digits 25-30, UnionPay 19, 62."""
    if not text.isascii() or not text.isdigit():
        return False
    head = int(text[:2]) if len(text) >= 2 else 0
    return (
        (len(text) == 18 and 10 <= head <= 15)
        or (16 <= len(text) <= 24 and 25 <= head <= 30)
        or (len(text) == 19 and head == 62)
    )
