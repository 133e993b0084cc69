"""Keys change while notices keep coming: processes are replaced one by one, and not one notice fails."""

import base64
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask import Flask

from portal.config import Settings
from portal.factory import Services, create_app
from portal.plumbing.clock import real_now
from portal.plumbing.crypto import CannotOpen, Keyring
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from tests.conftest import TestDatabase
from tests.portal.conftest import SECRETS
from tests.portal.notices.conftest import Books, Message, Wechat, answer_of
from tests.portal.wallets.conftest import WechatSide, public_pem

OLD = "PUB_KEY_ID_OLD"
OLD_FIELD = SECRETS
BOTH_FIELD = replace(
    SECRETS,
    field_keys={**SECRETS.field_keys, "k2": base64.b64encode(b"2" * 32).decode()},
    field_key="k2",
)
AT_ONCE, EACH = 4, 6


class Fleet:
    """Two processes behind one address, of which a deployment replaces one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.serving: list[Flask] = []
        self._made: list[Flask] = []

    def start(self, section: Mapping[str, Any], secrets: Any) -> Flask:
        here = replace(self._settings, process="notices", secrets=secrets)
        made = create_app(Services(settings=here, wallets=connectors({"wechat": section})))
        self._made.append(made)
        return made

    def roll(self, section: Mapping[str, Any], secrets: Any) -> Iterator[None]:
        """Replace both, with something happening after each."""
        for place in range(2):
            fresh = self.start(section, secrets)
            if len(self.serving) < 2:
                self.serving.append(fresh)
            else:
                self.serving[place] = fresh
            yield

    def close(self) -> None:
        for made in self._made:
            for name in ("database", "staff_database"):
                made.extensions[name].close()


@pytest.fixture
def fleet(settings: Settings) -> Iterator[Fleet]:
    made = Fleet(settings)
    yield made
    made.close()


def test_no_notice_fails_while_the_wallets_key_and_ours_are_replaced(
    fleet: Fleet,
    sections: dict[str, Any],
    books: Books,
    wechat_side: WechatSide,
    merchant_key: Any,
    database: TestDatabase,
) -> None:
    """Old keys alone; both, as the new one is made known; the wallet signs with the new one; the old one is gone."""
    new = sections["wechat"]["public_key_id"]
    former = WechatSide(merchant_key)
    section = sections["wechat"]
    both = {**section, "more_public_keys": {OLD: public_pem(merchant_key)}}
    only_old = {**section, "public_key": public_pem(merchant_key), "public_key_id": OLD}
    failed: list[int] = []
    told = 0

    def load(side: WechatSide, serial: str) -> None:
        nonlocal told
        messages = [message(books, side, serial, telling=told + place) for place in range(AT_ONCE * EACH)]
        told += len(messages)

        def send(mine: list[Message]) -> None:
            for place, each in enumerate(mine):
                client = fleet.serving[place % len(fleet.serving)].test_client()
                status = answer_of(each.send(client))[0]
                if status != 204:
                    failed.append(status)

        threads = [threading.Thread(target=send, args=(messages[place::AT_ONCE],)) for place in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for _ in fleet.roll(only_old, OLD_FIELD):
        pass
    load(former, OLD)
    for _ in fleet.roll(both, BOTH_FIELD):
        load(former, OLD)
    load(wechat_side, new)
    load(former, OLD)
    for _ in fleet.roll(section, BOTH_FIELD):
        load(wechat_side, new)
    assert failed == []
    assert len(books.inbox()) == told
    assert books.nets()["merchant_payable"] == -100 * told
    opened_with(database, told)


def message(books: Books, side: WechatSide, serial: str, *, telling: int) -> Message:
    teller = Wechat(side)
    number = books.order(Acquirer.WECHAT, amount=100)
    genuine = teller.paid(number, amount=100, transaction=f"T{telling}", telling=telling)
    return replace(genuine, headers=side.headers(genuine.body, at=real_now(), serial=serial))


def opened_with(database: TestDatabase, told: int) -> None:
    """Whatever either key has sealed opens with both; what the new one sealed does not open without it."""
    with psycopg.connect(database.staff) as connection:
        rows = connection.execute("SELECT acquirer, notice_id, body_sealed FROM inbox_notices").fetchall()
    by_key = {name: [row for row in rows if row[2].startswith(f"{name}.")] for name in ("k1", "k2")}
    assert all(by_key.values())
    assert sum(map(len, by_key.values())) == told
    for acquirer, notice_id, body in rows:
        assert Keyring(BOTH_FIELD).open(body, place=f"inbox_notices|body|{acquirer}-{notice_id}").startswith("{")
    acquirer, notice_id, body = by_key["k2"][0]
    with pytest.raises(CannotOpen):
        Keyring(OLD_FIELD).open(body, place=f"inbox_notices|body|{acquirer}-{notice_id}")


def test_the_new_key_of_ours_signs_from_the_restart_on(sections: dict[str, Any], merchant_key: Any) -> None:
    """Our own key at the wallet has one serial at a time: what is asked after the restart carries the new one."""
    asked: list[str] = []
    for serial in ("5157F09E", "6157F09E"):
        wallet: Any = connectors({"wechat": {**sections["wechat"], "serial_no": serial}})[Acquirer.WECHAT]
        headers = wallet._client._headers("GET", "/v3/pay", b"", None)
        asked.append(re.search(r'serial_no="(\w+)"', headers["Authorization"])[1])  # type: ignore[index]
    assert asked == ["5157F09E", "6157F09E"]
