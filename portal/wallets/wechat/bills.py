"""Fetching a bill: ask where it lies, fetch it from WeChat Pay's own addresses, believe it only when it is whole.

Sources: partner docs 4013080595 (trades), 4013080596 (funds), 4012760249 and 4014314390 (a sub-merchant's funds),
4013080597 (download), 4013080602 (when there is none).
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch
from portal.wallets.errors import WalletError, WalletRefused, WalletUnknown
from portal.wallets.transport import Budget
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.bill_files import MOST_PACKED, BillFile, Seal
from portal.wallets.wechat.client import Client, collector_of
from portal.wallets.wechat.words import Call
from portal.wallets.wire import UnreadableMessage, text_at, whole_at

# An address is good for five minutes; after four we ask for new ones rather than start on an old one.
GOOD_FOR_SECONDS = 240.0
_MOST_PARTS = 100
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Part:
    """One file of a bill. Only a sub-merchant's is sealed and may come in several."""

    url: str = field(repr=False)
    digest: str
    key: bytes | None = field(default=None, repr=False)
    nonce: str = ""


def fetch_bill(client: Client, bill: BillToFetch, *, into: BinaryIO, budget: Budget) -> BillAnswer:
    """Write a bill's plain text to `into`, which must be a file that can be read, sought and cut.

    After any failure `into` is as long as before. Raises WalletError; `empty`, `not_ready` and `not_permitted` are
    answers.
    """
    if bill.kind is BillKind.MERCHANT_FUNDS and not client.settings.merchant_bills:
        return BillAnswer(BillState.NOT_PERMITTED)
    begin = into.tell()
    try:
        _fetch_parts(client, bill, into, budget)
    except WalletRefused as refusal:
        _cut(into, begin)
        state = words.BILL_STATES.get(refusal.code)
        if state is None:
            raise
        return BillAnswer(state)
    except WalletError:
        _cut(into, begin)
        raise
    return BillAnswer(BillState.READY, size=into.tell() - begin, sha256=_sha256(into, begin))


def _fetch_parts(client: Client, bill: BillToFetch, into: BinaryIO, budget: Budget) -> None:
    """The files of the bill one after the other, in WeChat Pay's order (`bill_sequence`)."""
    asked, parts = time.monotonic(), _parts(client, bill, budget)
    for number in range(len(parts)):
        if time.monotonic() - asked > GOOD_FOR_SECONDS:
            asked, again = time.monotonic(), _parts(client, bill, budget)
            if [part.digest for part in again] != [part.digest for part in parts]:
                raise WalletUnknown("BILL_CHANGED", "the bill is another than a moment ago")
            parts = again
        _fetch_part(client, parts[number], into, budget)


def _fetch_part(client: Client, part: Part, into: BinaryIO, budget: Budget) -> None:
    """A part is written from its place on, again from there when the first try breaks off."""
    begin = into.tell()
    files: list[BillFile] = []

    def sink() -> Callable[[bytes], None]:
        _cut(into, begin)
        files.append(BillFile(into, seal=None if part.key is None else Seal(part.key, part.nonce)))
        return files[-1].take

    request_id = client.download(part.url, budget=budget, sink=sink, most_bytes=MOST_PACKED)
    try:
        files[-1].finish(part.digest)
    except WalletError as error:
        error.request_id = error.request_id or request_id
        raise


def _parts(client: Client, bill: BillToFetch, budget: Budget) -> tuple[Part, ...]:
    query = {"bill_date": bill.day.isoformat()}
    match bill.kind:
        case BillKind.TRADES:
            if bill.contract is not None:
                query["sub_mchid"] = collector_of(bill.contract, client.settings)
            path, query = "/v3/bill/tradebill", query | {"bill_type": "ALL"}
        case BillKind.FUNDS:
            path, query = "/v3/bill/fundflowbill", query | {"account_type": "BASIC"}
        case BillKind.MERCHANT_FUNDS:
            if bill.contract is None:
                raise WalletRefused("CONTRACT_MISSING", "whose bill?")
            path = "/v3/bill/sub-merchant-fundflowbill"
            query |= {
                "sub_mchid": collector_of(bill.contract, client.settings),
                "account_type": "BASIC",
                "algorithm": "AEAD_AES_256_GCM",
            }

    def read(answer: Mapping[str, Any]) -> tuple[Part, ...]:
        if bill.kind is BillKind.MERCHANT_FUNDS:
            return _sealed_parts(client, answer)
        return (_part(answer),)

    return client.get(Call.BILL, path, query | {"tar_type": "GZIP"}, budget=budget, read=read)


def _sealed_parts(client: Client, answer: Mapping[str, Any]) -> tuple[Part, ...]:
    """Sorted by their numbers, of which none may be missing."""
    listed = answer.get("download_bill_list")
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_PARTS:
        raise UnreadableMessage("download_bill_list")
    found = {}
    for entry in listed:
        if not isinstance(entry, Mapping):
            raise UnreadableMessage("download_bill_list")
        found[whole_at(entry, "bill_sequence")] = entry
    if sorted(found) != list(range(1, len(listed) + 1)) or whole_at(answer, "download_bill_count") != len(listed):
        raise UnreadableMessage("download_bill_count")
    return tuple(_part(found[number], client) for number in sorted(found))


def _part(entry: Mapping[str, Any], client: Client | None = None) -> Part:
    """One file; with a `client` a sealed one, whose key was sealed for the merchant's own certificate."""
    if text_at(entry, "hash_type") != "SHA1":
        raise UnreadableMessage("hash_type")
    url, digest = text_at(entry, "download_url"), text_at(entry, "hash_value")
    if client is None:
        return Part(url, digest)
    try:
        key = signing.open_key(client.settings.private_key, text_at(entry, "encrypt_key"))
    except signing.CannotOpen as error:
        raise UnreadableMessage("encrypt_key") from error
    return Part(url, digest, key, text_at(entry, "nonce"))


def _cut(into: BinaryIO, begin: int) -> None:
    into.seek(begin)
    into.truncate()


def _sha256(into: BinaryIO, begin: int) -> str:
    """Of the file as it lies there now; `into` stands at its end afterwards."""
    found = hashlib.sha256()
    into.seek(begin)
    while piece := into.read(_PIECE):
        found.update(piece)
    return found.hexdigest()
