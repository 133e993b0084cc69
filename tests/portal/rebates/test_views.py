"""The merchant's page of rebates, and the page his customers pay at."""

import html
import io
import re

import pytest
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image

from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from portal.rebates.models import ShareLink
from portal.values.references import Kind, mint
from portal.wallets.port import Acquirer
from tests.factories.wallets import ScriptedWallet
from tests.portal.rebates.conftest import SHOP, Stall, add_programme
from tests.portal.rebates.test_operations import hold_rebates

WECHAT = {"User-Agent": "Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0.50 Language/zh_CN"}
JD = {"User-Agent": "Mozilla/5.0 MQQBrowser/9 CpayJS=UnionPay/1.0 JDJR application=JDJR-App&clientType=android"}


def page(browser: FlaskClient, path: str = "/rebates") -> str:
    return html.unescape(browser.get(path).get_data(as_text=True))


def form_of(text: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


def test_without_a_programme_nothing_is_promised(owner: FlaskClient) -> None:
    text = page(owner)
    assert "现在没有返现活动" in text
    assert "分享我的收款页" not in text
    assert "一共赚到" not in text
    assert owner.get("/rebates/share").location == "/rebates"
    assert owner.post("/rebates/link").location == "/rebates"
    assert "现在没有返现活动" in page(owner)


@pytest.mark.usefixtures("programme")
def test_it_names_the_programme_its_rate_and_its_end(owner: FlaskClient) -> None:
    text = page(owner)
    assert "分享有返现" in text
    assert ">1%<" in text
    assert re.search(r"到什么时候</dt>\s*<dd>20\d\d年", text)
    assert "分享我的收款页" in text


@pytest.mark.usefixtures("programme")
def test_the_owner_opens_the_link_and_gets_it_as_text_and_as_a_code(owner: FlaskClient) -> None:
    for _ in range(2):
        assert owner.post("/rebates/link").location == "/rebates/share"
    text = page(owner, "/rebates/share")
    address = re.search(r'id="share-link">([^<]+)<', text)
    assert address is not None
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/r/S[0-9A-Z]{29}", address[1])
    picture = owner.get("/rebates/share.png")
    assert picture.headers["Cache-Control"].startswith("private")
    drawn = Image.open(io.BytesIO(picture.data))
    assert [found.text for found in zxingcpp.read_barcodes(drawn.convert("L"))] == [address[1]]
    assert 'href="/rebates/share"' in page(owner)


@pytest.mark.usefixtures("programme")
def test_every_line_says_what_it_is_made_of(owner: FlaskClient, stall: Stall) -> None:
    token = stall.share()
    paid = stall.pay(60_00, token=token)
    stall.pay(49, token=token)
    stall.refund(paid, 12_00)
    text = page(owner)
    assert "分享页付 ¥60.00，返 1%" in text
    assert "+¥0.60" in text
    assert "金额太小，返不到 1 分" in text
    assert "分享页付 ¥0.49" in text
    assert "退款 ¥12.00，按比例扣回" in text
    assert "−¥0.12" in text
    assert '<span class="amount__unit">¥</span>0<span class="amount__cents">.48' in text
    for word in ("待确认", "不计", "已扣回"):
        assert word in text


@pytest.mark.usefixtures("programme")
def test_a_restriction_is_said_with_its_way_out_and_nothing_can_be_shared(owner: FlaskClient, stall: Stall) -> None:
    hold_rebates(stall)
    text = page(owner)
    assert "返现暂停：同一顾客反复刷单。请在三天内说明情况" in text
    assert "分享我的收款页" not in text
    owner.post("/rebates/link")
    assert "返现暂停着，现在不能分享" in page(owner)


@pytest.mark.usefixtures("programme")
def test_a_clerk_may_share_what_is_open_but_opens_nothing(clerk: FlaskClient, stall: Stall) -> None:
    assert clerk.post("/rebates/link").status_code == 403
    assert "分享我的收款页" not in page(clerk)
    assert clerk.get("/rebates/share.png").status_code == 404
    stall.share()
    assert "分享我的收款页" in page(clerk)


@pytest.mark.usefixtures("programme")
def test_without_a_code_it_says_to_make_one_first(owner: FlaskClient, db: Database) -> None:
    owner.post("/codes/1/suspend")
    assert "先做一张收款码，才能分享" in page(owner)
    owner.post("/rebates/link")
    assert "先要有一张在用的收款码" in page(owner)


@pytest.mark.usefixtures("programme")
def test_a_customer_pays_at_the_link_and_the_merchant_earns(
    client: FlaskClient, stall: Stall, wallets: dict[Acquirer, ScriptedWallet]
) -> None:
    path = f"/r/{stall.share()}"
    text = client.get(path, headers=JD).get_data(as_text=True)
    assert "阿珍水果摊" in text
    assert f'action="{path}"' in text
    answer = client.post(path, headers=JD, data={**form_of(text), "amount": "60"})
    assert answer.status_code == 303
    number = answer.location.rpartition("/")[2]
    with stall.db.transaction(merchant=SHOP) as session:
        paid = payments.payment(session, SHOP, number)
    assert paid is not None
    assert (paid.amount, paid.share_token, paid.code_id) == (6000, path.rpartition("/")[2], 1)


@pytest.mark.usefixtures("programme")
def test_a_wrong_amount_at_the_link_stays_typed(client: FlaskClient, stall: Stall) -> None:
    path = f"/r/{stall.share()}"
    form = form_of(client.get(path, headers=WECHAT).get_data(as_text=True))
    answer = client.post(path, headers=WECHAT, data={**form, "amount": "0.001"})
    assert answer.status_code == 422
    assert 'value="0.001"' in answer.get_data(as_text=True)


@pytest.mark.usefixtures("programme")
def test_an_ended_link_takes_no_money(client: FlaskClient, stall: Stall) -> None:
    token = stall.share()
    with stall.db.transaction(merchant=SHOP) as session:
        session.get_one(ShareLink, (SHOP, token)).ended_at = now()
    for answer in (client.get(f"/r/{token}", headers=WECHAT), client.post(f"/r/{token}", headers=WECHAT)):
        assert answer.status_code == 410
        assert "这个收款页已经停了" in answer.get_data(as_text=True)


def test_a_link_nobody_gave_out_warns_of_a_fake(client: FlaskClient, stall: Stall, staff_db: Database) -> None:
    add_programme(staff_db)
    real, key = stall.share(), stall.keyring.reference_key
    forged = real[:-1] + ("0" if real[-1] != "0" else "1")
    never_opened = mint(Kind.SHARE_LINK, SHOP, key=key, now=now())
    an_order = mint(Kind.ORDER, SHOP, key=key, now=now())
    foreign_key = mint(Kind.SHARE_LINK, SHOP, key=b"another installation", now=now())
    for token in (forged, never_opened, an_order, foreign_key, "x", real.lower()):
        for answer in (client.get(f"/r/{token}", headers=WECHAT), client.post(f"/r/{token}", headers=WECHAT)):
            assert answer.status_code == 404
            assert "没有这个收款页" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("programme")
def test_another_app_is_told_which_wallets_work(client: FlaskClient, stall: Stall) -> None:
    assert "请用微信或京东扫" in client.get(f"/r/{stall.share()}").get_data(as_text=True)
