"""One phone per visitor, told apart by a cookie: which wallet is open, which page, which SMS number."""

import secrets
import sqlite3
import time
from dataclasses import dataclass, replace

from flask import Response, current_app, g, request

from sandbox.phone import tills
from sandbox.phone.addresses import WALLETS, Places
from sandbox.phone.browser import Browser
from sandbox.store import Store

COOKIE = "phone"
COOKIE_PATH = "/phone"


@dataclass(frozen=True)
class Phone:
    """`address` is the page the wallet shows, a path of the phone itself; empty while it is ready to scan."""

    id: str
    wallet: str
    address: str
    number: str


def current() -> Phone:
    """The visitor's phone; a new one for a visitor without."""
    if "phone" not in g:
        g.phone = _known(request.cookies.get(COOKIE, "")) or _new()
    phone: Phone = g.phone
    return phone


def remember(response: Response) -> Response:
    """Hand the visitor his phone's number if he has not got it yet."""
    if "phone" in g and request.cookies.get(COOKIE) != g.phone.id:
        response.set_cookie(COOKIE, g.phone.id, path=COOKIE_PATH, httponly=True, samesite="Lax")
    return response


def change(
    *, wallet: str | None = None, address: str | None = None, number: str | None = None, picture: bytes | None = None
) -> Phone:
    """Keep new values for the visitor's phone; None leaves one as it is."""
    given = {"wallet": wallet, "address": address, "number": number}
    phone = replace(current(), **{name: value for name, value in given.items() if value is not None})
    with store().writing() as connection:
        connection.execute(
            "UPDATE phones SET wallet = ?, address = ?, number = ?, picture = coalesce(?, picture) WHERE id = ?",
            (phone.wallet, phone.address, phone.number, picture, phone.id),
        )
    g.phone = phone
    return phone


def last_picture() -> bytes | None:
    """A small PNG of what the phone scanned last."""
    with store().reading() as connection:
        row = connection.execute("SELECT picture FROM phones WHERE id = ?", (current().id,)).fetchone()
    return bytes(row["picture"]) if row and row["picture"] else None


def places(wallet: str) -> Places:
    """The map of one wallet's browser."""
    return Places(current_app.config["PORTAL_URL"], current_app.config["SANDBOX_URL"], wallet)


def browser(wallet: str) -> Browser:
    """That wallet's browser on the visitor's phone."""
    return Browser(store(), places(wallet), current().id, payer=tills.WECHAT_PAYER)


def wallet_named(name: str) -> str | None:
    """The wallet a person or a script means: `wechat`, `jdpay` or, for short, `jd`."""
    plain = {"jd": "jdpay"}.get(name, name)
    return plain if plain in WALLETS else None


def store() -> Store:
    found: Store = current_app.extensions["store"]
    return found


def _known(number: str) -> Phone | None:
    if not number:
        return None
    with store().reading() as connection:
        row: sqlite3.Row | None = connection.execute("SELECT * FROM phones WHERE id = ?", (number,)).fetchone()
    return Phone(row["id"], row["wallet"], row["address"], row["number"]) if row else None


def _new() -> Phone:
    phone = Phone(secrets.token_urlsafe(24), WALLETS[0], "", "")
    with store().writing() as connection:
        connection.execute("INSERT INTO phones (id, created_at) VALUES (?, ?)", (phone.id, time.time()))
    return phone
