"""One phone per visitor, told apart by a cookie: which wallet is open, which page, which SMS number."""

import secrets
import sqlite3
import time
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, current_app, g, request

from sandbox.phone import tills
from sandbox.phone.addresses import WALLETS, Places
from sandbox.phone.browser import Browser
from sandbox.store import Store

COOKIE = "phone"
COOKIE_PATH = "/phone"


@dataclass(frozen=True)
class Phone:
    """`address` is the page the wallet shows, a path of the phone itself; empty while it is ready to scan.

    `payer` is who holds it, `way` how the scanner was opened last, `shortcut` whether one lies on its desktop.
    """

    id: str
    wallet: str = WALLETS[0]
    address: str = ""
    number: str = ""
    payer: str = tills.WECHAT_PAYER
    way: str = "scan"
    shortcut: bool = False


def current() -> Phone:
    """The visitor's phone; a new one for a visitor without."""
    if "phone" not in g:
        g.phone = _kept(request.cookies.get(COOKIE, "")) or _new()
    phone: Phone = g.phone
    return phone


def remember(response: Response) -> Response:
    """Hand the visitor his phone's number if he has not got it yet."""
    if "phone" in g and request.cookies.get(COOKIE) != g.phone.id:
        response.set_cookie(COOKIE, g.phone.id, path=COOKIE_PATH, httponly=True, samesite="Lax")
    return response


def change(*, picture: bytes | None = None, **wish: Any) -> Phone:
    """Keep new values for fields of the visitor's phone."""
    phone = replace(current(), **wish)
    with store().writing() as connection:
        connection.execute(
            "UPDATE phones SET wallet = ?, address = ?, number = ?, payer = ?, way = ?, shortcut = ?,"
            " picture = coalesce(?, picture) WHERE id = ?",
            (
                phone.wallet,
                phone.address,
                phone.number,
                phone.payer,
                phone.way,
                int(phone.shortcut),
                picture,
                phone.id,
            ),
        )
    g.phone = phone
    return phone


def known(connection: sqlite3.Connection, number: str) -> Phone:
    """The phone of this number; one that is not kept belongs to nobody in particular."""
    row = connection.execute("SELECT * FROM phones WHERE id = ?", (number,)).fetchone()
    if row is None:
        return Phone(number)
    return Phone(
        row["id"], row["wallet"], row["address"], row["number"], row["payer"], row["way"], bool(row["shortcut"])
    )


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
    return Browser(store(), places(wallet), current().id, payer=current().payer)


def wallet_named(name: str) -> str | None:
    """The wallet a person or a script means: `wechat`, `jdpay` or, for short, `jd`."""
    plain = {"jd": "jdpay"}.get(name, name)
    return plain if plain in WALLETS else None


def store() -> Store:
    found: Store = current_app.extensions["store"]
    return found


def _kept(number: str) -> Phone | None:
    with store().reading() as connection:
        kept = connection.execute("SELECT 1 FROM phones WHERE id = ?", (number,)).fetchone()
        return known(connection, number) if kept else None


def _new() -> Phone:
    phone = Phone(secrets.token_urlsafe(24))
    with store().writing() as connection:
        connection.execute("INSERT INTO phones (id, created_at) VALUES (?, ?)", (phone.id, time.time()))
    return phone
