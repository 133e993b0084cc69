"""Upload of an application's pictures. Source: partner docs 4012760490."""

import hashlib
from collections.abc import Mapping
from typing import Any

from portal.wallets.applications import Picture
from portal.wallets.multipart import Part, form_data, plain_filename
from portal.wallets.transport import Budget
from portal.wallets.wechat.client import Client
from portal.wallets.wire import text_at, write_object

_PATH = "/v3/merchant/media/upload"


def upload(client: Client, picture: Picture, *, budget: Budget) -> str:
    """Upload one picture; the answer is its media_id. Raises WalletError."""
    filename = plain_filename(picture.filename)
    meta = write_object({"filename": filename, "sha256": hashlib.sha256(picture.content).hexdigest()})
    body, media_type = form_data(
        (
            Part("meta", meta, media_type="application/json"),
            Part("file", picture.content, media_type=picture.media_type, filename=filename),
        )
    )
    return client.upload(_PATH, body=body, meta=meta, media_type=media_type, budget=budget, read=_media_id)


def _media_id(answer: Mapping[str, Any]) -> str:
    return text_at(answer, "media_id")
