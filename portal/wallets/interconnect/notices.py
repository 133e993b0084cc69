"""Messages of the clearing institution's stand-in: verify the raw bytes, then believe the shape."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from portal.wallets.directory import Holding
from portal.wallets.errors import NoticeRejected
from portal.wallets.interconnect import signing
from portal.wallets.interconnect.settings import InterconnectSettings
from portal.wallets.parties import Acquirer, Wallet
from portal.wallets.port import Promotion
from portal.wallets.routed import RoutedKind, RoutedNotice, RoutedPayment
from portal.wallets.wire import (
    MAX_MESSAGE_BYTES,
    UnreadableMessage,
    moment_at,
    optional_text_at,
    read_object,
    text_at,
    whole_at,
)

REPLY_STATUS = {
    **dict.fromkeys(("headers", "unknown_key", "stale", "signature"), 401),
    **dict.fromkeys(("unreadable", "foreign", "unknown_kind"), 400),
}
Word = TypeVar("Word", Holding, Acquirer, Wallet)
_GIVERS = ("wallet", "merchant", "other")
_MOST_PROMOTIONS = 20
_LONGEST_CODE = 1000
_LONGEST_NUMBER = 64


def read_notice(
    settings: InterconnectSettings, *, headers: Mapping[str, str], body: bytes, now: datetime
) -> RoutedNotice:
    """The message in these bytes. Raises NoticeRejected and nothing else."""
    if len(body) > MAX_MESSAGE_BYTES:
        raise NoticeRejected("unreadable")
    try:
        signing.check(settings.keys, headers, body, now=now)
    except signing.BadSignature as error:
        raise NoticeRejected(error.reason) from error
    try:
        told = read_object(body)
        event, notice_id = text_at(told, "event"), _number(told, "id")
        if event not in tuple(RoutedKind):
            raise NoticeRejected("unknown_kind")
        return RoutedNotice(notice_id, _payment(RoutedKind(event), told["plain"]))
    except (UnreadableMessage, KeyError) as error:
        raise NoticeRejected("unreadable") from error


def notice_reply(*, accepted: bool, reason: str = "") -> tuple[int, str, str]:
    """204 without a body; anything else makes the institution send the message again."""
    if accepted:
        return 204, "application/json", ""
    return REPLY_STATUS.get(reason, 503), "application/json", json.dumps({"code": reason or "not_now"})


def _payment(kind: RoutedKind, plain: Any) -> RoutedPayment:
    if not isinstance(plain, Mapping):
        raise UnreadableMessage("no object")
    amount, payer_amount = whole_at(plain, "amount"), whole_at(plain, "payer_amount")
    paid_at = moment_at(plain, "paid_at")
    if not amount > 0 or payer_amount > amount or paid_at is None:
        raise UnreadableMessage("sums")
    code = text_at(plain, "code")
    own = kind is RoutedKind.WALLET_TOLD
    holding = _one_of(plain, "holding", Holding)
    if len(code) > _LONGEST_CODE or own != (holding is Holding.OWN_SUB_MERCHANT):
        raise UnreadableMessage("code")
    return RoutedPayment(
        kind=kind,
        clearing_no=_number(plain, "clearing_no"),
        holding=holding,
        acquirer=_one_of(plain, "acquirer", Acquirer),
        wallet=_one_of(plain, "account_side", Wallet),
        code_text=code,
        transaction_id=_number(plain, "transaction_id"),
        amount=amount,
        payer_amount=payer_amount,
        paid_at=paid_at,
        promotions=_promotions(plain.get("promotions")),
        sub_merchant_no=_number(plain, "merchant_no") if own else None,
        order_no=optional_text_at(plain, "out_trade_no") if own else None,
    )


def _promotions(found: Any) -> tuple[Promotion, ...]:
    if not isinstance(found, list) or len(found) > _MOST_PROMOTIONS:
        raise UnreadableMessage("promotions")
    return tuple(_promotion(part) for part in found)


def _promotion(part: Any) -> Promotion:
    if not isinstance(part, Mapping) or part.get("paid_by") not in _GIVERS:
        raise UnreadableMessage("promotion")
    name = text_at(part, "name")[:_LONGEST_NUMBER]
    return Promotion(_number(part, "id"), name, whole_at(part, "amount"), str(part["paid_by"]))


def _number(message: Mapping[str, Any], name: str) -> str:
    found = text_at(message, name)
    if len(found) > _LONGEST_NUMBER or not (found.isascii() and found.isprintable()):
        raise UnreadableMessage(name)
    return found


def _one_of(message: Mapping[str, Any], name: str, words: type[Word]) -> Word:
    try:
        return words(text_at(message, name))
    except ValueError as error:
        raise UnreadableMessage(name) from error
