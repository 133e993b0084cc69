"""Documents: encrypted before they leave the process, kept in an object store (a local folder unless told otherwise).

A document is never changed: a new picture is a new object under a new random name.
"""

import base64
import secrets
from pathlib import Path

import obstore
from obstore.store import LocalStore

from portal.config import Settings
from portal.plumbing.crypto import Keyring


class DocumentMissing(Exception):
    """No document is stored under this name."""


class DocumentStore:
    """Put, read and delete documents by name."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = LocalStore(folder.resolve())
        self._keyring = keyring

    def put(self, content: bytes, *, owner: str) -> str:
        """Store `content` for `owner` (letters, digits, `-`) and answer its name, which starts with the owner's."""
        name = f"{owner}/{secrets.token_hex(16)}"
        sealed = self._keyring.seal(base64.b64encode(content).decode(), place=_place(name))
        obstore.put(self._store, name, sealed.encode())
        return name

    def get(self, name: str) -> bytes:
        """The content stored under `name`. Raises DocumentMissing, or CannotOpen for one that was changed."""
        try:
            sealed = bytes(obstore.get(self._store, name).bytes()).decode()
        except FileNotFoundError as error:
            raise DocumentMissing(name) from error
        return base64.b64decode(self._keyring.open(sealed, place=_place(name)))

    def delete(self, name: str) -> None:
        """Remove a document; one that is not there is as good as removed."""
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return


def documents(settings: Settings, keyring: Keyring) -> DocumentStore:
    """This installation's store."""
    return DocumentStore(settings.data_dir / "documents", keyring)


def _place(name: str) -> str:
    return f"documents|content|{name}"
