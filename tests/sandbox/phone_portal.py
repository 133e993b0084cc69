"""A small portal for the phone's tests: one stall, both wallets, and a few pages that try to lead the phone astray."""

import json
import re
import secrets
import time
from typing import Any

import requests
from flask import Flask, Response, redirect, render_template_string, request, session
from werkzeug.wrappers import Response as AnyResponse

from tests.sandbox.jd_merchant import Merchant
from tests.sandbox.wechat_merchant import Provider

CODE = "7KQ42MHD9"
SHOP = "老周豆腐"

_PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>付款给{{ shop }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/pay.css"></head>
<body><main><p>付款给</p><h1>{{ shop }}</h1>{% if problem %}<p role="alert">{{ problem }}</p>{% endif %}
<form method="post"><input type="hidden" name="csrf_token" value="{{ token }}">
<input type="hidden" name="key" value="{{ key }}">
<label for="amount">金额</label><input id="amount" name="amount" inputmode="decimal" value="{{ amount }}">
<button name="go" value="1">付款</button></form>
<p><a href="{{ own }}/o/1">订单</a> <a href="https://evil.example/">别家</a></p></main></body></html>"""

_BRIDGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>请付款</title></head>
<body><h1>{{ shop }}</h1>
<p id="said"></p>
<script type="application/json" id="bridge" data-done="/o/{{ order }}">{{ params|safe }}</script>
<script nonce="{{ nonce }}">
var element = document.getElementById("bridge");
function call() {
  WeixinJSBridge.invoke("getBrandWCPayRequest", JSON.parse(element.textContent), function (answer) {
    document.getElementById("said").textContent = answer.err_msg;
    location.href = element.dataset.done + "?said=" + encodeURIComponent(answer.err_msg);
  });
}
if (typeof WeixinJSBridge === "undefined") { document.addEventListener("WeixinJSBridgeReady", call); } else { call(); }
</script><script>document.title = "没有许可的脚本";</script></body></html>"""

_RESULT = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>订单 {{ order }}</title></head>
<body><h1>订单 {{ order }}</h1><p id="said">{{ request.args.get("said", "") }}</p></body></html>"""


class Portal:
    """The application and what it saw. `url` is set once it is served."""

    def __init__(self, provider: Provider, merchant: Merchant) -> None:
        self.url = ""
        self.provider = provider
        self.merchant = merchant
        self.seen: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.amounts: dict[str, int] = {}
        self._last: dict[str, str] = {}
        self.app = Flask("phone_portal")
        self.app.secret_key = "a test"
        self.app.before_request(self._note)
        for rule, view, methods in (
            (f"/c/{CODE}", self.pay_page, ["GET"]),
            (f"/c/{CODE}", self.pay, ["POST"]),
            ("/o/<order>/wechat", self.back_from_wechat, ["GET"]),
            ("/o/<order>", self.result, ["GET"]),
            ("/notify/<wallet>", self.notified, ["POST"]),
            ("/static/pay.css", self.css, ["GET"]),
            ("/away", lambda: redirect("https://evil.example/steal"), ["GET"]),
            ("/inside", lambda: redirect(f"{self.sandbox_url}/credentials"), ["GET"]),
            ("/round", lambda: redirect("/round"), ["GET"]),
            ("/slow", self.slow, ["GET"]),
            ("/gbk", self.gbk, ["GET"]),
        ):
            self.app.add_url_rule(rule, f"{rule}-{methods[0]}", view, methods=methods)
        self.sandbox_url = ""

    def pay_page(self, problem: str = "", amount: str = "") -> str:
        session["token"] = session.get("token") or secrets.token_hex(8)
        return render_template_string(
            _PAGE,
            shop=SHOP,
            token=session["token"],
            key=secrets.token_hex(8),
            problem=problem,
            amount=amount,
            own=self.url,
        )

    def pay(self) -> AnyResponse | str | tuple[str, int]:
        if request.form.get("csrf_token") != session.get("token"):
            return "<h1>页面过期了</h1>", 400
        typed = request.form["amount"]
        if not re.fullmatch(r"\d{1,6}(\.\d{1,2})?", typed) or float(typed) == 0:
            return self.pay_page("金额要在 0.01 到 100,000 元之间。", typed), 422
        order = f"Y{secrets.token_hex(8).upper()}"
        self.amounts[order] = round(float(typed) * 100)
        if "JDJR-App" in request.headers["User-Agent"]:
            told = self.merchant.order(order, self.amounts[order], notifyUrl=f"{self.url}/notify/jdpay")
            return redirect(told["payInfo"], 303)
        given = self.provider.given
        back = f"{self.url}/o/{order}/wechat"
        return redirect(
            f"{self.sandbox_url}/wechat/open/connect/oauth2/authorize?appid={given['sp_appid']}"
            f"&redirect_uri={requests.utils.quote(back, safe='')}&response_type=code"
            "&scope=snsapi_base&state=s#wechat_redirect",
            303,
        )

    def back_from_wechat(self, order: str) -> Response:
        given = self.provider.given
        query = {"appid": given["sp_appid"], "secret": given["sp_secret"], "grant_type": "authorization_code"}
        token = self.provider.client.get(
            "/wechat/oauth/sns/oauth2/access_token", query_string=query | {"code": request.args["code"]}
        )
        openid = json.loads(token.data)["openid"]
        body = self.provider.order(
            order, self.amounts[order], payer={"sp_openid": openid}, notify_url=f"{self.url}/notify/wechat"
        )
        prepay = self.provider.call("POST", "/v3/pay/partner/transactions/jsapi", body).json["prepay_id"]
        stamp, nonce = str(int(time.time())), secrets.token_hex(8)
        page = render_template_string(
            _BRIDGE, shop=SHOP, order=order, nonce=nonce, params=json.dumps(self.bridge_params(prepay, stamp, nonce))
        )
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; frame-ancestors 'none'"
        return Response(page, headers={"Content-Security-Policy": policy, "X-Frame-Options": "DENY"})

    def last_bridge(self) -> dict[str, str]:
        """The parameters that the last page carried."""
        return self._last

    def bridge_params(self, prepay: str, stamp: str, nonce: str) -> dict[str, str]:
        appid, package = self.provider.given["sp_appid"], f"prepay_id={prepay}"
        self._last = {
            "appId": appid,
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self.provider.sign(f"{appid}\n{stamp}\n{nonce}\n{package}\n"),
        }
        return self._last

    def result(self, order: str) -> str:
        return render_template_string(_RESULT, order=order)

    def notified(self, wallet: str) -> str:
        self.notices.append(wallet)
        return "success"

    def css(self) -> Response:
        return Response("@import '/more.css'; h1 { background: url(/h1.png) }", content_type="text/css")

    def slow(self) -> str:
        time.sleep(1)
        return "<h1>late</h1>"

    def gbk(self) -> Response:
        return Response("<title>豆腐</title><h1>豆腐</h1>".encode("gbk"), content_type="text/html; charset=gbk")

    def _note(self) -> None:
        self.seen.append({"path": request.path, "method": request.method, "headers": dict(request.headers)})
