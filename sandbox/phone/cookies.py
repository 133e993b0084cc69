"""What a wallet's browser remembers between two requests: one jar per phone, wallet and site.

Real wallets keep the portal's cookies and the wallet's own apart because the hosts differ; here both may be
127.0.0.1, so the site is part of the key.
"""

import sqlite3
from dataclasses import dataclass
from http.cookiejar import Cookie, DefaultCookiePolicy

from requests.cookies import RequestsCookieJar, create_cookie

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Owner:
    """Whose jar it is."""

    phone: str
    wallet: str
    site: str

    @property
    def row(self) -> tuple[str, str, str]:
        return self.phone, self.wallet, self.site


def load(connection: sqlite3.Connection, owner: Owner, *, loopback: bool) -> RequestsCookieJar:
    """The jar as it stands. Browsers treat this machine's own http as secure; so does the phone if `loopback`."""
    secure = ("https", "wss", "http") if loopback else ("https", "wss")
    jar = RequestsCookieJar(policy=DefaultCookiePolicy(secure_protocols=secure))
    rows = connection.execute(
        "SELECT * FROM phone_cookies WHERE phone = ? AND wallet = ? AND site = ?", owner.row
    ).fetchall()
    for row in rows:
        jar.set_cookie(
            create_cookie(
                row["name"],
                row["value"],
                domain=row["domain"],
                path=row["path"],
                secure=bool(row["secure"]),
                expires=row["expires"],
            )
        )
    jar.clear_expired_cookies()
    return jar


def contents(jar: RequestsCookieJar) -> dict[Key, Cookie]:
    """The cookies by domain, path and name."""
    return {(cookie.domain, cookie.path, cookie.name): cookie for cookie in jar}


def save(connection: sqlite3.Connection, owner: Owner, before: dict[Key, Cookie], after: dict[Key, Cookie]) -> None:
    """Write only what one answer changed, so that two answers at a time do not undo each other."""
    for key in before.keys() - after.keys():
        connection.execute(
            "DELETE FROM phone_cookies WHERE phone = ? AND wallet = ? AND site = ?"
            " AND domain = ? AND path = ? AND name = ?",
            (*owner.row, *key),
        )
    for key, cookie in after.items():
        if _changed(before.get(key), cookie):
            connection.execute(
                "INSERT OR REPLACE INTO phone_cookies"
                " (phone, wallet, site, domain, path, name, value, secure, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*owner.row, *key, cookie.value or "", int(cookie.secure), cookie.expires),
            )


def differ(before: dict[Key, Cookie], after: dict[Key, Cookie]) -> bool:
    """Is there anything to save?"""
    return before.keys() != after.keys() or any(_changed(before.get(key), cookie) for key, cookie in after.items())


def _changed(before: Cookie | None, after: Cookie) -> bool:
    return before is None or (before.value, before.expires, before.secure) != (after.value, after.expires, after.secure)
