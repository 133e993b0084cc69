"""A provider beside the sandbox of each test."""

import pytest
from flask import Flask

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

    def shift(self, statement: str, *values: object) -> None:
        """Make something older than it is."""
        with self.app.extensions["store"].writing() as connection:
            assert connection.execute(statement, values).rowcount == 1


@pytest.fixture
def till(sandbox: Flask) -> Till:
    return Till(sandbox)
