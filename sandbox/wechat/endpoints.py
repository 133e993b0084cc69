"""The table of the partner API: which method and path leads to what."""

import re

from sandbox.wechat import account_endpoints, order_endpoints
from sandbox.wechat.order_endpoints import UPLOADS
from sandbox.wechat.place import Handler

_TABLE = (*order_endpoints.TABLE, *account_endpoints.TABLE)


def is_upload(path: str) -> bool:
    """Whether only a part of the body is signed."""
    return path in UPLOADS


def find(method: str, path: str) -> tuple[int, Handler | None, str]:
    """(200, handler, number in the path), or (404 | 405, None, "")."""
    status = 404
    for wanted, pattern, handler in _TABLE:
        match = re.fullmatch(pattern, path)
        if match is None:
            continue
        if wanted == method:
            return 200, handler, match[1] if match.groups() else ""
        status = 405
    return status, None, ""
