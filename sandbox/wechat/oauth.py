"""Web authorisation of the official account: a page inside WeChat gets a code, the server gets the openid for it.

Error numbers are those of the official account platform: 40002 grant_type, 40013 appid, 40029 code, 40125 secret,
40163 code already used.
"""

import secrets
import sqlite3
import time

from sandbox.keys import Keys

CODE_SECONDS = 300
TOKEN_SECONDS = 7200
SCOPES = ("snsapi_base", "snsapi_userinfo")


def openid_of(connection: sqlite3.Connection, appid: str, payer: str) -> str:
    """The openid of a payer towards one official account; minted on the first call. Needs a `writing()` block."""
    row = connection.execute(
        "SELECT openid FROM wechat_openids WHERE appid = ? AND payer = ?", (appid, payer)
    ).fetchone()
    if row is not None:
        return str(row["openid"])
    openid = "o" + secrets.token_urlsafe(21)[:27]
    connection.execute("INSERT INTO wechat_openids (openid, appid, payer) VALUES (?, ?, ?)", (openid, appid, payer))
    return openid


def give_code(connection: sqlite3.Connection, appid: str, payer: str, scope: str) -> str:
    """A code for this payer, good once and for five minutes."""
    code = secrets.token_urlsafe(24)
    connection.execute(
        "INSERT INTO wechat_codes (code, openid, appid, scope, created_at) VALUES (?, ?, ?, ?, ?)",
        (code, openid_of(connection, appid, payer), appid, scope, time.time()),
    )
    return code


def exchange(connection: sqlite3.Connection, keys: Keys, query: dict[str, str]) -> dict[str, object]:
    """The answer to sns/oauth2/access_token, right or wrong."""
    if query.get("appid") != keys.wechat_sp_appid:
        return _error(40013, "invalid appid")
    if not secrets.compare_digest(query.get("secret", "").encode(), keys.wechat_sp_secret.encode()):
        return _error(40125, "invalid appsecret")
    if query.get("grant_type") != "authorization_code":
        return _error(40002, "invalid grant_type")
    row = connection.execute(
        "SELECT * FROM wechat_codes WHERE code = ? AND appid = ?", (query.get("code", ""), query["appid"])
    ).fetchone()
    now = time.time()
    if row is None or now > row["created_at"] + CODE_SECONDS:
        return _error(40029, "invalid code")
    if row["used_at"] is not None:
        return _error(40163, "code been used")
    connection.execute("UPDATE wechat_codes SET used_at = ? WHERE code = ?", (now, row["code"]))
    return {
        "access_token": secrets.token_urlsafe(48),
        "expires_in": TOKEN_SECONDS,
        "refresh_token": secrets.token_urlsafe(48),
        "openid": row["openid"],
        "scope": row["scope"],
    }


def _error(number: int, message: str) -> dict[str, object]:
    return {"errcode": number, "errmsg": message}
