"""The demonstration: two shops that went the whole road over the wallets' real protocols, and the people to sign in as.

Everything here is invented. Nothing in the portal behaves differently because of it.
"""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageDraw
from stdnum import luhn
from stdnum.cn import ric, uscc

from portal.audit.rules import Actor
from portal.codes import flows as codes
from portal.codes import queries as code_queries
from portal.codes.rules import read
from portal.identity import operations as identity
from portal.identity import queries as people
from portal.identity.models import User
from portal.identity.rules import phone_place
from portal.merchants import flows, operations, queries
from portal.merchants.rules import STEP_DOCUMENTS, Step
from portal.plumbing.clock import now
from portal.plumbing.crypto import hash_password
from portal.plumbing.storage import documents
from portal.plumbing.work import Tools
from portal.rebates import operations as rebates
from portal.rebates.models import Programme
from portal.wallets.applications import ApplicationState
from portal.wallets.port import Acquirer

Say = Callable[[str], None]
PASSWORD = "yima-demo-2026"  # noqa: S105 - printed for the newcomer, and only in demo mode
_PATIENCE_SECONDS = 90
_FILE = "demo.json"
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class DemoShop:
    """One invented shop."""

    phone: str
    name: str
    owner: str
    id_stem: str
    licence_stem: str
    card_stem: str
    address: str
    linked: str | None = None


SHOPS = (
    DemoShop(
        "+8613800138001",
        "阿珍水果摊",
        "陈珍珍",
        "33010619900307292",
        "92330106MA2DEMPA1",
        "622202120300884621",
        "城东菜市场 B12",
        "wxp://f2f0YimaDemoStallOneTwoThreeFourFive",
    ),
    DemoShop(
        "+8613800138002",
        "老周豆腐",
        "周建国",
        "33010619920914101",
        "92330106MA2DEMPB2",
        "622202120300112233",
        "城东菜市场 C05",
    ),
)
STAFF = (
    ("+8613900139001", "林岚", "reviewer"),
    ("+8613900139002", "沈越", "risk"),
    ("+8613900139003", "何敏", "admin"),
)


def load(tools: Tools, *, say: Say) -> None:
    """Fill an empty database and write `demo.json`; a database with people in it is left alone."""
    with tools.database.transaction() as session:
        if session.scalar(sa.select(sa.func.count()).select_from(User)):
            whole = (tools.settings.data_dir / _FILE).exists()
            say("loaded before" if whole else "not an empty database and no whole demo: ./dev reset starts over")
            return
    staff = [_add_staff(tools, *row) for row in STAFF]
    _add_programme(tools)
    shops = [_open_shop(tools, shop, reviewer=staff[0], say=say) for shop in SHOPS]
    _write(tools, shops)
    say("demo loaded")


def _add_staff(tools: Tools, phone: str, name: str, role: str) -> Actor:
    blind = tools.keyring.blind(phone, kind="phone")
    with tools.database.transaction() as session:
        user_id = identity.create_user(
            session,
            kind="staff",
            staff_role=role,
            phone_blind=blind,
            phone_sealed=tools.keyring.seal(phone, place=phone_place(blind)),
            phone_tail=phone[-4:],
            name=name,
            password_hash=hash_password(PASSWORD),
            locale="zh",
            now=now(),
        )
    return Actor("staff", user_id, name)


def _add_programme(tools: Tools) -> None:
    with tools.database.transaction() as session:
        session.add(
            Programme(
                programme_id=1,
                name="分享有返现",
                rate_bp=100,
                budget=1_000_000_00,
                leased=0,
                starts_at=now(),
                ends_at=now() + _YEAR,
            )
        )


def _open_shop(tools: Tools, shop: DemoShop, *, reviewer: Actor, say: Say) -> dict[str, Any]:
    merchant_id, owner = _register(tools, shop)
    _apply(tools, shop, merchant_id, owner)
    with tools.database.transaction(merchant=merchant_id) as session:
        operations.approve_application(session, merchant_id=merchant_id, application_id=1, actor=reviewer, now=now())
    for acquirer in Acquirer:
        with _timed(say, f"{shop.name}: {acquirer}"):
            _walk_to_the_end(tools, merchant_id, acquirer)
    return _hang_codes(tools, shop, merchant_id)


def _register(tools: Tools, shop: DemoShop) -> tuple[int, Actor]:
    blind = tools.keyring.blind(shop.phone, kind="phone")
    with tools.database.transaction() as session:
        code = identity.keep_sms_code(session, phone_blind=blind, purpose="register", now=now())
    newcomer = flows.Newcomer(shop.phone, hash_password(PASSWORD), shop.name, "zh")
    registration = flows.register(tools.database, tools.keyring, newcomer, code=code, now=now())
    if registration.user_id is None:
        raise RuntimeError(f"the demo shop could not register: {registration.problem}")
    with tools.database.transaction() as session:
        (merchant_id,) = people.merchants_of(session, registration.user_id)
    return merchant_id, Actor("merchant", registration.user_id, shop.owner)


def _apply(tools: Tools, shop: DemoShop, merchant_id: int, owner: Actor) -> None:
    store = documents(tools.settings, tools.keyring)
    with tools.database.transaction(merchant=merchant_id) as session:
        operations.start_application(session, tools.keyring, merchant_id=merchant_id, now=now())
        for step, changes in _answers(shop).items():
            operations.save_answers(
                session, tools.keyring, merchant_id=merchant_id, application_id=1, step=step, changes=changes
            )
            for document in STEP_DOCUMENTS[step]:
                operations.save_picture(
                    session,
                    tools.keyring,
                    merchant_id=merchant_id,
                    application_id=1,
                    document=document,
                    name=store.put(_picture(document), owner=str(merchant_id)),
                )
        rates = queries.fee_terms(session, now=now())
        operations.submit(
            session,
            tools.keyring,
            merchant_id=merchant_id,
            application_id=1,
            rates=rates,
            actor=owner,
            now=now(),
        )


def _answers(shop: DemoShop) -> dict[Step, dict[str, Any]]:
    return {
        Step.LICENCE: {
            "licence_name": f"杭州市上城区{shop.name}",
            "licence_number": shop.licence_stem + uscc.calc_check_digit(shop.licence_stem),
            "licence_address": f"杭州市{shop.address}",
        },
        Step.PERSON: {
            "legal_person": shop.owner,
            "id_number": shop.id_stem + ric.calc_check_digit(f"{shop.id_stem}0"),
            "id_valid_from": date(2020, 1, 1),
            "id_valid_until": date(2040, 1, 1),
            "id_forever": False,
        },
        Step.ACCOUNT: {
            "bank_name": "工商银行",
            "account_number": shop.card_stem + luhn.calc_check_digit(shop.card_stem),
        },
        Step.SHOP: {
            "shop_name": shop.name,
            "region_code": "330100",
            "store_address": shop.address,
            "email": "demo@example.com",
        },
    }


def _picture(title: str) -> bytes:
    """A drawn page that nobody could take for a real document."""
    image = Image.new("RGB", (800, 520), "#F2F4F4")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, 770, 490), outline="#0B5266", width=6)
    draw.text((80, 80), f"SAMPLE / {title} / not a document", fill="#12181C")
    written = io.BytesIO()
    image.save(written, "JPEG", quality=80)
    return written.getvalue()


def _walk_to_the_end(tools: Tools, merchant_id: int, acquirer: Acquirer) -> None:
    """What the worker would do, at once: send, then ask until the contract is there."""
    flows.send_application(tools, merchant_id=merchant_id, application_id=1, acquirer=acquirer)
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up:
        with tools.database.transaction(merchant=merchant_id) as session:
            standing = queries.wallet_applications(session, merchant_id)[acquirer]
        if standing.state is ApplicationState.FINISHED:
            return
        if standing.state in (ApplicationState.REJECTED, ApplicationState.CANCELED):
            raise RuntimeError(f"{acquirer} refused the demo shop: {standing.reason}")
        time.sleep(0.5)
        flows.follow_application(tools, merchant_id=merchant_id, application_id=1, acquirer=acquirer)
    raise RuntimeError(f"{acquirer} did not open the demo shop in {_PATIENCE_SECONDS} s")


def _hang_codes(tools: Tools, shop: DemoShop, merchant_id: int) -> dict[str, Any]:
    url = tools.settings.portal_url
    counter = codes.open_portal_code(
        tools.database, merchant_id=merchant_id, shop_id=1, name="柜台", portal_url=url, now=now()
    )
    linked = []
    if shop.linked is not None:
        found = codes.look_up(
            tools.database, tools.keyring, tools.interconnect, merchant_id=merchant_id, text=shop.linked
        )
        codes.link_code(
            tools.database,
            tools.keyring,
            merchant_id=merchant_id,
            shop_id=1,
            name="原来的微信码",
            scanned=read(shop.linked, portal_url=url),
            found=found,
            now=now(),
        )
        linked.append(shop.linked)
    with tools.database.transaction(merchant=merchant_id) as session:
        token = rebates.open_link(
            session,
            merchant_id=merchant_id,
            programme_id=1,
            code_id=counter,
            reference_key=tools.keyring.reference_key,
            now=now(),
        )
        numbers = [row.number for row in code_queries.codes(session, merchant_id) if row.number]
    return {"id": merchant_id, "name": shop.name, "codes": numbers, "linked": linked, "rebate_tokens": [token]}


def _write(tools: Tools, shops: list[dict[str, Any]]) -> None:
    logins = [{"role": "owner", "phone": shop.phone, "password": PASSWORD} for shop in SHOPS]
    logins += [{"role": role, "phone": phone, "password": PASSWORD} for phone, _name, role in STAFF]
    gateway = str(tools.settings.wallets["wechat"]["gateway"])
    content = {
        "portal": tools.settings.portal_url,
        "sandbox": gateway.rsplit("/", 1)[0],
        "logins": logins,
        "shops": shops,
    }
    path = tools.settings.data_dir / _FILE
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


@contextmanager
def _timed(say: Say, what: str) -> Iterator[None]:
    begun = time.monotonic()
    say(f"{what} …")
    yield
    say(f"{what} open after {time.monotonic() - begun:.1f} s")
