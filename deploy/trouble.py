"""A problem the person at the keyboard can solve: shown as one line in both languages, never as a traceback."""

import errno
import os
from pathlib import Path


class Trouble(Exception):
    """`zh` and `en` say the same: what is wrong, and what to do about it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en


def disk_full(place: Path | str) -> Trouble:
    return Trouble(
        f"磁盘空间不足:{place} 写不下了,请清理后重试", f"the disk is full: {place} cannot be written, free some space"
    )


def not_writable(place: Path | str, reason: str | None = None) -> Trouble:
    why = f" ({reason})" if reason else ""
    return Trouble(
        f"目录不可写:{place}{why},请检查权限或换一个 PORTAL_DATA_DIR",
        f"cannot write to {place}{why}: check its permissions or choose another PORTAL_DATA_DIR",
    )


def from_os_error(error: OSError) -> Trouble:
    """The one line for a failed file operation; the cases a newcomer meets have words of their own."""
    place = error.filename or "?"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(place)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT):
        return not_writable(place, os.strerror(error.errno))
    return Trouble(f"系统错误:{error}", f"system error: {error}")
