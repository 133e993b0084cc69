"""A bill on its way to disk: opened, unpacked, digested and written piece by piece, and only then believed.

Sources: partner docs 4013080597 and 4014314390 (files are not signed; a sub-merchant's is sealed with AES-256-GCM, the
tag being its last 16 bytes, without associated data), 4012760249 (the digest is that of the unpacked file).
UNCONFIRMED: that this holds for trade and fund bills too; their page says "of the file", and the official Java sample
digests it unpacked.
"""

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from portal.wallets.errors import WalletUnknown

# WeChat Pay cuts a bill where it would pass about 16 GB unpacked (4014314390).
MOST_PACKED = 4 * 1024**3
MOST_PLAIN = 20 * 1024**3
_TAG_BYTES = 16
_GZIP = 31
_STEP = 1024 * 1024


class Seal:
    """AES-256-GCM over a stream. What `opened` gives is worth nothing until `check` has seen the tag."""

    def __init__(self, key: bytes, nonce: str) -> None:
        """Raises WalletUnknown for a key or nonce that is none."""
        try:
            self._decryptor = Cipher(AES(key), GCM(nonce.encode())).decryptor()
        except ValueError as error:
            raise WalletUnknown("BILL_DAMAGED", "a key that is none") from error
        if len(key) != 32:
            raise WalletUnknown("BILL_DAMAGED", "a key that is none")
        self._held = b""

    def opened(self, piece: bytes) -> bytes:
        """The plain form of what came so far, but for the last 16 bytes, which may be the tag."""
        waiting = self._held + piece
        self._held = waiting[-_TAG_BYTES:]
        return self._decryptor.update(waiting[:-_TAG_BYTES])

    def check(self) -> None:
        """Raises WalletUnknown unless the bytes held back are the tag of everything before them."""
        try:
            self._decryptor.finalize_with_tag(self._held)
        except (InvalidTag, ValueError) as error:
            raise WalletUnknown("BILL_DAMAGED", "the seal is broken") from error


class BillFile:
    """Where one file of a bill is written to, from the place where `into` stands."""

    def __init__(self, into: BinaryIO, *, seal: Seal | None) -> None:
        self._into = into
        self._seal = seal
        self._gunzip = zlib.decompressobj(_GZIP)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._size = 0
        self._begun = False

    def take(self, piece: bytes) -> None:
        """One more piece of the file as it came. Raises WalletUnknown."""
        plain = self._seal.opened(piece) if self._seal else piece
        for unpacked in self._unpacked(plain):
            self._size += len(unpacked)
            if self._size > MOST_PLAIN:
                raise WalletUnknown("BILL_TOO_LONG")
            self._sha1.update(unpacked)
            self._into.write(unpacked)

    def finish(self, digest: str) -> None:
        """Raises WalletUnknown unless the seal, the packing and the SHA-1 of the unpacked file are right."""
        if self._seal is not None:
            self._seal.check()
        if not self._gunzip.eof:
            raise WalletUnknown("BILL_DAMAGED", "it breaks off")
        if self._sha1.hexdigest() != digest.lower():
            raise WalletUnknown("BILL_DAMAGED", "its digest is another")

    def _unpacked(self, packed: bytes) -> Iterator[bytes]:
        """Never more than a mebibyte at once, however well it was packed. A file may be several gzip members."""
        while packed:
            if self._gunzip.eof:
                self._gunzip = zlib.decompressobj(_GZIP)
            try:
                yield self._gunzip.decompress(packed, _STEP)
            except zlib.error as error:
                raise WalletUnknown("BILL_DAMAGED", "it is not packed with gzip") from error
            packed = self._gunzip.unused_data if self._gunzip.eof else self._gunzip.unconsumed_tail
