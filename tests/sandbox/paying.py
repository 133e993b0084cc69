"""Short ways to a paid order and a refund, for tests whose subject is something else."""

from flask import Flask
from werkzeug.test import TestResponse

from sandbox.wechat import orders
from tests.sandbox.wechat_merchant import Provider


def wechat_paid(
    sandbox: Flask, out_trade_no: str = "T00000001", url: str = "http://127.0.0.1:9/n", total: int = 1234
) -> Provider:
    """A JSAPI order, placed and paid."""
    provider = Provider(sandbox)
    prepay_id = placed(provider, out_trade_no=out_trade_no, total=total, notify_url=url).json["prepay_id"]
    openid = provider.openid()
    with sandbox.extensions["store"].writing() as connection:
        orders.pay(connection, prepay_id=prepay_id, openid=openid)
    return provider


def placed(provider: Provider, **more: object) -> TestResponse:
    """A JSAPI order."""
    return provider.call("POST", "/v3/pay/partner/transactions/jsapi", provider.order(**more))


def queried(provider: Provider, out_trade_no: str = "T00000001") -> TestResponse:
    """The same order, asked for by its number."""
    numbers = f"sp_mchid={provider.given['sp_mchid']}&sub_mchid={provider.given['sub_mchid']}"
    return provider.call("GET", f"/v3/pay/partner/transactions/out-trade-no/{out_trade_no}?{numbers}")


def refunded(provider: Provider, out_refund_no: str = "R1", **more: object) -> TestResponse:
    """A refund of 5.00."""
    return provider.call("POST", "/v3/refund/domestic/refunds", provider.refund(out_refund_no, 500, **more))


def refund_queried(provider: Provider, out_refund_no: str = "R1") -> TestResponse:
    """The same refund, asked for."""
    path = f"/v3/refund/domestic/refunds/{out_refund_no}?sub_mchid={provider.given['sub_mchid']}"
    return provider.call("GET", path)
