"""The portal's own keys, made once. Losing the file means losing everything that was encrypted with it."""

import base64
import json
import secrets
from pathlib import Path

from deploy.pointer import write_private


def make_secrets(path: Path) -> bool:
    """Write a new key ring (0600) unless there is one; returns whether it is new."""
    if path.exists():
        return False
    write_private(
        path,
        json.dumps(
            {
                "secret_key": secrets.token_hex(32),
                "reference_key": secrets.token_hex(32),
                "blind_index_key": secrets.token_hex(32),
                "field_keys": {"k1": base64.b64encode(secrets.token_bytes(32)).decode()},
                "field_key": "k1",
            },
            indent=1,
        ),
    )
    return True
