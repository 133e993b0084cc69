"""Pictures of documents (partner docs 4012760490). Kept are name, size and fingerprint, never the picture."""

import hashlib
import secrets
import sqlite3

from werkzeug.datastructures import FileStorage

from sandbox import clock
from sandbox.wechat.errors import Refused, bad_parameter
from sandbox.wechat.fields import Examiner, Group, Text

META = Group({"filename": Text(128, required=True), "sha256": Text(64, required=True, pattern="[0-9a-fA-F]{64}")})
_MEGABYTE = 1024 * 1024
_VIDEOS = ("avi", "wmv", "mpeg", "mp4", "mov", "mkv", "flv", "f4v", "m4v", "rmvb")
_KINDS = {
    "jpg": (b"\xff\xd8\xff", 5 * _MEGABYTE),
    "jpeg": (b"\xff\xd8\xff", 5 * _MEGABYTE),
    "png": (b"\x89PNG\r\n\x1a\n", 5 * _MEGABYTE),
    "bmp": (b"BM", 5 * _MEGABYTE),
    "pdf": (b"%PDF-", 15 * _MEGABYTE // 2),
    **dict.fromkeys(_VIDEOS, (b"", 5 * _MEGABYTE)),
}


def take(
    connection: sqlite3.Connection, meta: dict, file: FileStorage | None, *, is_video: bool = False
) -> dict[str, str]:
    """Take a picture or a video.

    Raises Refused: 400 for an empty or oversized file, 403 REQUEST_BLOCKED for a mismatch.
    """
    Examiner().check(META, meta)
    if file is None or not file.filename:
        raise bad_parameter("缺少file")
    content = file.stream.read()
    if not content:
        raise bad_parameter("上传的文件为空")
    if file.filename != meta["filename"] or hashlib.sha256(content).hexdigest() != meta["sha256"].lower():
        raise Refused(403, "REQUEST_BLOCKED", "文件与meta中的filename或sha256不一致")
    ending = meta["filename"].rpartition(".")[2].lower()
    magic, most = _KINDS.get(ending, (None, 0))
    if magic is None or is_video != (ending in _VIDEOS) or not content.startswith(magic):
        raise Refused(403, "REQUEST_BLOCKED", "不支持的文件类型")
    if len(content) > most:
        raise bad_parameter("文件超过大小限制")
    media_id = secrets.token_urlsafe(72)
    connection.execute(
        "INSERT INTO wechat_media (media_id, filename, sha256, size, created_at) VALUES (?, ?, ?, ?, ?)",
        (media_id, meta["filename"], meta["sha256"].lower(), len(content), clock.now(connection)),
    )
    return {"media_id": media_id}


def unknown_media(connection: sqlite3.Connection, media_ids: list[str]) -> str | None:
    """The first number that was never given out, None when all are good."""
    for media_id in media_ids:
        if connection.execute("SELECT 1 FROM wechat_media WHERE media_id = ?", (media_id,)).fetchone() is None:
            return media_id
    return None
