"""An application's answers in the database: the sensitive ones sealed, the rest as plain JSON."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from portal.merchants.rules import SEALED_FIELDS, Answers
from portal.plumbing.crypto import Keyring

_DATES = ("id_valid_from", "id_valid_until")
_NAMES = tuple(entry.name for entry in fields(Answers))


def place(merchant_id: int, application_id: int) -> str:
    """Where the sealed half of an application belongs."""
    return f"applications|sealed|{merchant_id}-{application_id}"


def opened(
    keyring: Keyring, *, merchant_id: int, application_id: int, plain: Mapping[str, Any], sealed: str
) -> Answers:
    """Both halves put together again."""
    hidden = json.loads(keyring.open(sealed, place=place(merchant_id, application_id)))
    values = {name: value for name, value in {**plain, **hidden}.items() if name in _NAMES}
    for name in _DATES:
        values[name] = date.fromisoformat(values[name]) if values.get(name) else None
    return Answers(**values)


def parted(keyring: Keyring, answers: Answers, *, merchant_id: int, application_id: int) -> tuple[dict[str, Any], str]:
    """The plain half and the sealed half, ready to be stored."""
    values: dict[str, Any] = {name: getattr(answers, name) for name in _NAMES}
    values["documents"] = dict(answers.documents)
    for name in _DATES:
        values[name] = values[name].isoformat() if values[name] else None
    hidden = {name: values.pop(name) for name in SEALED_FIELDS}
    sealed = keyring.seal(json.dumps(hidden, ensure_ascii=False), place=place(merchant_id, application_id))
    return values, sealed
