"""Linking a code the merchant already has, as he does it."""

import html
import io
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.codes import queries
from portal.codes.models import Code
from portal.codes.views import linking
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.press import PressFailed
from tests.factories.merchants import add_code
from tests.portal.codes.conftest import CODE, OTHER, SHOP
from tests.portal.codes.pictures import MERCHANT, PERSONAL, photo, wall_without_a_code


def upload(browser: FlaskClient, file: bytes, name: str = "code.jpg") -> TestResponse:
    answer = browser.post("/codes/link", data={"photo": (io.BytesIO(file), name), "text": ""})
    # Werkzeug's test client leaves the temporary file open that holds a large body.
    answer.request.environ["wsgi.input"].close()
    return answer


def paste(browser: FlaskClient, text: str) -> TestResponse:
    return browser.post("/codes/link", data={"text": text})


def sealed_in(answer: TestResponse) -> list[str]:
    values = re.findall(r'name="sealed"[^>]*? value="([^"]+)"', answer.get_data(as_text=True))
    return [html.unescape(value) for value in values]


def confirm(browser: FlaskClient, answer: TestResponse, name: str = "原来的微信码") -> TestResponse:
    (sealed,) = sealed_in(answer)
    return browser.post("/codes/link/confirm", data={"sealed": sealed, "name": name})


def test_a_photo_of_a_personal_code_is_told_what_it_is_and_then_linked(
    owner: FlaskClient, db: Database, keyring: Keyring
) -> None:
    checked = upload(owner, photo(PERSONAL))
    text = checked.get_data(as_text=True)
    assert checked.status_code == 200
    assert "这是一张微信个人收款码" in text
    assert "只能当面扫" in text
    assert "没有公开接口能查到或退它的款" in text
    with db.transaction(merchant=SHOP) as session:
        assert queries.codes(session, SHOP) == []
    linked = confirm(owner, checked)
    assert (linked.status_code, linked.location) == (303, "/codes/1")
    with db.transaction(merchant=SHOP) as session:
        (row,) = queries.codes(session, SHOP)
        sealed = session.get_one(Code, (SHOP, 1)).foreign_sealed
    assert (row.kind, row.number, row.printed_url, row.state) == ("linked_personal", None, None, "active")
    assert sealed is not None
    assert keyring.open(sealed, place=f"codes|foreign|{SHOP}-1") == PERSONAL
    page = owner.get("/codes/1").get_data(as_text=True)
    assert "微信个人收款码" in page
    assert "停用这张码" not in page
    assert owner.get("/codes/1/plate.pdf").status_code == 404
    assert owner.get("/codes/1/suspend").status_code == 404


def test_a_merchant_code_says_what_cannot_be_known_and_offers_a_portal_code(owner: FlaskClient) -> None:
    checked = paste(owner, MERCHANT)
    text = checked.get_data(as_text=True)
    assert "这是一张微信商户收款码" in text
    assert "分不出是哪一种" in text
    assert 'href="/codes/new"' in text
    assert confirm(owner, checked).status_code == 303
    assert "关联的微信商户码" in owner.get("/codes").get_data(as_text=True)


def test_the_text_travels_sealed_and_only_for_this_merchant(
    owner: FlaskClient, stranger: FlaskClient, db: Database
) -> None:
    checked = upload(owner, photo(PERSONAL))
    assert PERSONAL not in checked.get_data(as_text=True)
    assert confirm(stranger, checked).status_code == 422
    (sealed,) = sealed_in(checked)
    assert owner.post("/codes/link/confirm", data={"sealed": PERSONAL, "name": "码"}).status_code == 422
    assert owner.post("/codes/link/confirm", data={"sealed": sealed[:-4] + "AAAA", "name": "码"}).status_code == 422
    for merchant_id in (SHOP, OTHER):
        with db.transaction(merchant=merchant_id) as session:
            assert queries.codes(session, merchant_id) == []


def test_several_codes_in_one_photo_are_offered_for_choice(owner: FlaskClient) -> None:
    offered = upload(owner, photo("https://qr.alipay.com/fkx12345abc", PERSONAL))
    text = offered.get_data(as_text=True)
    assert "照片里有 2 个码" in text
    assert text.index("支付宝的码") < text.index("微信个人收款码")
    alipay, personal = sealed_in(offered)
    refused = owner.post("/codes/link/check", data={"sealed": alipay})
    assert refused.status_code == 422
    assert "这是支付宝的码" in refused.get_data(as_text=True)
    chosen = owner.post("/codes/link/check", data={"sealed": personal})
    assert "这是一张微信个人收款码" in chosen.get_data(as_text=True)
    assert owner.post("/codes/link/check", data={}).status_code == 422


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://qr.alipay.com/fkx12345abc", "这是支付宝的码"),
        ("https://example.com/menu", "打开的是一个网页"),
        ("134567890123456789", "别发给任何人"),
        ("https://h5pay.jd.com/jdpay/customerPay?x=1", "这是京东的码"),
        ("https://qr.95516.com/00010000/6212345678901234567890", "云闪付"),
        ("weixin://wxpay/bizpayurl?pr=abcdef", "只付一笔的付款码"),
        ("6901234567892", "认不出这是什么码"),
        ("wxp://f2f0abc", "认不出这是什么码"),
        ("x" * 1001, "内容太长"),
        ("  ", "请上传照片，或者粘贴码的内容"),
    ],
)
def test_what_cannot_be_linked_is_refused_in_words_and_stays_typed(owner: FlaskClient, text: str, words: str) -> None:
    answer = paste(owner, text)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert text.strip() in html.unescape(page)
    assert sealed_in(answer) == []


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (wall_without_a_code(), "照片里没有找到码"),
        (b"no picture at all", "打不开这个文件"),
        (b"", "这个文件是空的"),
        (b"x" * (10 * 1024 * 1024 + 1), "文件太大"),
    ],
)
def test_a_file_without_a_code_is_refused_in_words(owner: FlaskClient, file: bytes, words: str) -> None:
    answer = upload(owner, file)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)


def test_a_body_beyond_all_measure_is_refused(owner: FlaskClient) -> None:
    answer = upload(owner, b"x" * (13 * 1024 * 1024))
    assert answer.status_code == 413
    assert "文件太大" in answer.get_data(as_text=True)


def test_a_scanner_that_is_down_asks_for_another_try(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: bytes) -> list[str]:
        raise PressFailed("slow")

    monkeypatch.setattr(linking.asking, "codes_in", fail)
    answer = upload(owner, photo(PERSONAL))
    assert answer.status_code == 503
    assert "照片暂时看不了" in answer.get_data(as_text=True)


def test_a_code_of_another_shop_is_refused(owner: FlaskClient, stranger: FlaskClient) -> None:
    mine = paste(owner, PERSONAL)
    confirm(stranger, paste(stranger, PERSONAL))
    for answer in (confirm(owner, mine), paste(owner, PERSONAL), paste(owner, PERSONAL.replace("wxp", "WXP"))):
        assert answer.status_code == 409
        assert "已经关联在别的店" in answer.get_data(as_text=True)


def test_ones_own_code_again_leads_to_it(owner: FlaskClient, db: Database) -> None:
    checked = paste(owner, PERSONAL)
    confirm(owner, checked)
    for answer in (paste(owner, PERSONAL), confirm(owner, checked, name="又一张")):
        assert (answer.status_code, answer.location) == (303, "/codes/1")
    assert "这就是您自己的码" in owner.get("/codes/1").get_data(as_text=True)
    with db.transaction(merchant=SHOP) as session:
        assert len(queries.codes(session, SHOP)) == 1


def test_our_own_plates_are_told_apart(owner: FlaskClient, stranger: FlaskClient, db: Database) -> None:
    with db.transaction(merchant=SHOP) as session:
        add_code(session, merchant_id=SHOP, code=CODE)
    address = f"http://127.0.0.1:8000/c/{CODE}"
    assert paste(owner, address).location == "/codes/1"
    answer = paste(stranger, address)
    assert answer.status_code == 422
    assert "不是您店里的" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("name", "words"), [("", "请填名字"), ("一" * 21, "名字最多"), ("码🍊", "印不出来")])
def test_a_name_is_checked_and_the_code_stays_chosen(owner: FlaskClient, name: str, words: str) -> None:
    answer = confirm(owner, paste(owner, PERSONAL), name=name)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert confirm(owner, answer).status_code == 303


def test_a_name_in_use_is_refused(owner: FlaskClient) -> None:
    confirm(owner, paste(owner, PERSONAL))
    answer = confirm(owner, paste(owner, MERCHANT))
    assert answer.status_code == 409
    assert "已经有一张码叫这个名字" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/codes/link/check", "/codes/link/confirm"])
def test_the_later_steps_opened_by_hand_lead_to_the_first(owner: FlaskClient, path: str) -> None:
    assert owner.get(path).location == "/codes/link"


def test_the_first_page_takes_pictures_and_pdf(owner: FlaskClient) -> None:
    page = owner.get("/codes/link").get_data(as_text=True)
    assert 'accept="image/*,application/pdf"' in page
    assert 'enctype="multipart/form-data"' in page
