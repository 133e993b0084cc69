"""Where a bill's address leads: a token for five minutes, and the file made anew for every download.

The SHA-1 is that of the plain text, before compression and encryption. A file is never whole in memory.
"""

import hashlib
import json
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import islice

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sandbox import clock
from sandbox.store import Store
from sandbox.wechat import fund_bill, trade_bill
from sandbox.wechat.errors import Refused, against_the_rules
from sandbox.wechat.signing import seal_field

TOKEN_SECONDS = 300
PART_LINES = 20_000  # lines of one file of a sub-merchant's bill; what is longer comes in several
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Wish:
    """One file. `source` is trade, provider or merchant; `account` is a trade bill's kind or an account.

    `part` counts from 1, 0 for the whole. `key` and `nonce` are set where the file is encrypted.
    """

    source: str
    day: str
    account: str
    sub_mchid: str = ""
    gzip: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    part: int = 0
    key: str = ""
    nonce: str = ""


@dataclass(frozen=True)
class Download:
    """A file on its way: its type, and a function that gives its bytes."""

    content_type: str
    stream: Callable[[Store], Iterator[bytes]]


def offer(connection: sqlite3.Connection, mchid: str, url: str, wish: Wish) -> dict[str, object]:
    """Hash the file and give the address it can be fetched from."""
    digest = hashlib.sha1(usedforsecurity=False)
    for text in _lines(connection, wish):
        digest.update(text.encode())
    return _offered(connection, mchid, url, wish, digest.hexdigest())


def offer_parts(
    connection: sqlite3.Connection, mchid: str, url: str, wish: Wish, merchant_key: str
) -> list[dict[str, object]]:
    """The same for an encrypted bill in as many files as its lines need, each with a key of its own."""
    digests: list[hashlib._Hash] = []
    for position, text in enumerate(_lines(connection, wish)):
        if position % PART_LINES == 0:
            digests.append(hashlib.sha1(usedforsecurity=False))
        digests[-1].update(text.encode())
    offers = []
    for part, digest in enumerate(digests, start=1):
        key, nonce = secrets.token_hex(16), secrets.token_hex(8)
        one = replace(wish, part=part, key=key, nonce=nonce)
        told = _offered(connection, mchid, url, one, digest.hexdigest())
        offers.append(told | {"bill_sequence": part, "encrypt_key": seal_field(merchant_key, key), "nonce": nonce})
    return offers


def fetch(connection: sqlite3.Connection, mchid: str, token: str) -> Download:
    """The file behind a token. Raises Refused: 403 for another merchant's, 400 when it is too old or unknown."""
    row = connection.execute("SELECT * FROM wechat_bill_files WHERE token = ?", (token,)).fetchone()
    if row is None or clock.now(connection) > row["made_at"] + TOKEN_SECONDS:
        raise against_the_rules("账单下载地址不存在或已过期，请重新申请账单")
    if row["mchid"] != mchid:
        raise Refused(403, "NO_AUTH", "请使用申请账单的商户号下载账单")
    wish = Wish(**json.loads(row["wish"]))
    if wish.key:
        kind = "application/octet-stream"
    else:
        kind = "application/x-gzip" if wish.gzip else "text/plain; charset=utf-8"
    return Download(kind, lambda store: _bytes(store, wish))


def _offered(connection: sqlite3.Connection, mchid: str, url: str, wish: Wish, digest: str) -> dict[str, object]:
    token = secrets.token_urlsafe(32)
    now = clock.now(connection)
    connection.execute("DELETE FROM wechat_bill_files WHERE made_at < ?", (now - TOKEN_SECONDS,))
    connection.execute(
        "INSERT INTO wechat_bill_files (token, mchid, wish, made_at) VALUES (?, ?, ?, ?)",
        (token, mchid, json.dumps(asdict(wish)), now),
    )
    return {"hash_type": "SHA1", "hash_value": digest, "download_url": f"{url}?token={token}"}


def _lines(connection: sqlite3.Connection, wish: Wish) -> Iterator[str]:
    day = date.fromisoformat(wish.day)
    match wish.source:
        case "trade":
            return trade_bill.lines(connection, trade_bill.Wish(day, wish.account, wish.sub_mchid, wish.faults))
        case "provider":
            return fund_bill.provider_lines(connection, wish.account, day)
    return fund_bill.merchant_lines(connection, wish.sub_mchid, day)


def _bytes(store: Store, wish: Wish) -> Iterator[bytes]:
    with store.reading() as connection:
        lines = _lines(connection, wish)
        if wish.part:
            lines = islice(lines, (wish.part - 1) * PART_LINES, wish.part * PART_LINES)
        plain: Iterable[bytes] = _chunks(lines)
        packed = _packed(plain) if wish.gzip else plain
        yield from _encrypted(packed, wish.key, wish.nonce) if wish.key else packed


def _chunks(lines: Iterable[str]) -> Iterator[bytes]:
    waiting, size = [], 0
    for text in lines:
        waiting.append(text.encode())
        size += len(waiting[-1])
        if size >= _CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """GZIP without a time in its header, so that the same bill has the same bytes."""
    packer = zlib.compressobj(wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _encrypted(chunks: Iterable[bytes], key: str, nonce: str) -> Iterator[bytes]:
    """AES-256-GCM without associated data, the tag behind the ciphertext; key and nonce are their ASCII bytes."""
    sealer = Cipher(algorithms.AES(key.encode()), modes.GCM(nonce.encode())).encryptor()
    for chunk in chunks:
        yield sealer.update(chunk)
    yield sealer.finalize() + sealer.tag
