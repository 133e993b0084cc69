"""A provider beside the sandbox of each test."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sandbox.payers.money import Paid
from sandbox.wechat import orders
from tests.sandbox.wechat_merchant import Provider


class Till(Provider):
    """A provider whose payer also pays."""

    def place(self, path: str = "jsapi", **fields: object) -> dict[str, str]:
        body = self.native(**fields) if path == "native" else self.order(**fields)
        answer = self.call("POST", f"/v3/pay/partner/transactions/{path}", body)
        assert answer.status_code == 200, answer.text
        return answer.json

    def paid(self, paid: Paid | None = None, **fields: object) -> dict[str, object]:
        """An order, paid; `paid` says by whom, in which parts."""
        prepay_id = self.place(**fields)["prepay_id"]
        with self.app.extensions["store"].writing() as connection:
            return orders.pay(connection, prepay_id=prepay_id, openid=self.openid_known(), paid=paid)

    def query(self, out_trade_no: str = "T00000001", **bent: str) -> dict[str, object]:
        sub_mchid = bent.get("sub_mchid", self.given["sub_mchid"])
        path = f"/v3/pay/partner/transactions/out-trade-no/{out_trade_no}"
        return self.call("GET", f"{path}?sp_mchid={self.given['sp_mchid']}&sub_mchid={sub_mchid}").json

    def openid_known(self) -> str:
        """The openid of the payer who opened the page, without opening it again."""
        with self.app.extensions["store"].reading() as connection:
            row = connection.execute("SELECT openid FROM wechat_openids WHERE payer = 'payer-1'").fetchone()
        return str(row["openid"])

    def set(self, **settings: float) -> None:
        assert self.client.post("/control/settings", json=settings).status_code == 200

    def arm(self, name: str, **about: object) -> None:
        answer = self.client.post("/control/faults", json={"institution": "wechat", "name": name, **about})
        assert answer.status_code < 300, answer.text

    def move(self, **clock: object) -> None:
        """`advance_seconds=...` or `to="next_morning"` (10:05 of the next Beijing day)."""
        assert self.client.post("/control/clock", json=clock).status_code == 200

    def until(self, asked: Callable[[], object], wanted: object) -> None:
        """What changes by itself changes soon."""
        deadline = time.monotonic() + 10
        while asked() != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        assert asked() == wanted

    def knob(self, path: str, **wish: object) -> TestResponse:
        return self.client.post(f"/wechat/desk/{path}", json=wish)

    def notices(self) -> list[dict[str, Any]]:
        """What WeChat has queued for the provider, oldest first: event_type and plain text."""
        with self.app.extensions["store"].reading() as connection:
            rows = connection.execute("SELECT payload FROM outbox ORDER BY id").fetchall()
        return [json.loads(row["payload"]) for row in rows]

    def shift(self, statement: str, *values: object) -> None:
        """Make something older than it is."""
        with self.app.extensions["store"].writing() as connection:
            assert connection.execute(statement, values).rowcount == 1


@pytest.fixture
def till(sandbox: Flask) -> Till:
    return Till(sandbox)
