"""Field encryption, blind indexes and password hashing.

A sealed field is `key id . base64(nonce + ciphertext)`; table, column and row are bound in as associated data, so a
value copied to another row does not open.
"""

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.config import Secrets

_NONCE_BYTES = 12
# OWASP's 19 MiB profile: about a tenth of a second, small enough for several logins at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class CannotOpen(Exception):
    """A sealed value was changed, moved to another row, or sealed with a key we no longer hold."""


class Keyring:
    """The keys of this installation: several may open, one seals."""

    def __init__(self, keys: Secrets) -> None:
        self._ciphers = {name: AESGCM(base64.b64decode(key)) for name, key in keys.field_keys.items()}
        self._writing = keys.field_key
        self._blind = keys.blind_index_key
        self.reference_key = keys.reference_key

    def seal(self, plain: str, *, place: str) -> str:
        """Encrypt `plain` for one place, named `table|column|row`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        body = self._ciphers[self._writing].encrypt(nonce, plain.encode(), place.encode())
        return f"{self._writing}.{base64.b64encode(nonce + body).decode()}"

    def open(self, sealed: str, *, place: str) -> str:
        """Decrypt a value sealed for the same place. Raises CannotOpen."""
        name, _, text = sealed.partition(".")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise CannotOpen(name)
        try:
            raw = base64.b64decode(text, validate=True)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(name) from error

    def blind(self, value: str, *, kind: str) -> str:
        """A keyed fingerprint by which an encrypted value can be found, whole value only."""
        return hmac.digest(self._blind, f"{kind}|{value}".encode(), hashlib.sha256).hex()


def hash_password(password: str) -> str:
    """Argon2id, for the database."""
    return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Compare in the same time whether or not there is a stored hash, so that nobody learns who is registered."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))
