"""The owner's pages about his codes."""

import io
import re
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from portal.audit import queries as audit
from portal.codes import queries
from portal.codes.plates.errors import PlateUnfit
from portal.codes.queries import CodeRow
from portal.codes.views import plates
from portal.merchants.models import Merchant, Restriction, Shop
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.press import PressFailed
from tests.factories.merchants import OPENED, add_code, add_user
from tests.portal.codes.conftest import CODE, SHOP

WECHAT = {"User-Agent": "Mozilla/5.0 (Linux; Android 12) MicroMessenger/8.0.50 Language/zh_CN"}


@pytest.fixture
def hung(shop: int, db: Database) -> str:
    """The counter's code hangs."""
    with db.transaction(merchant=shop) as session:
        add_code(session, merchant_id=shop, code=CODE)
    return "/codes/1"


def codes_of(db: Database, merchant_id: int = SHOP) -> list[CodeRow]:
    with db.transaction(merchant=merchant_id) as session:
        return queries.codes(session, merchant_id)


def page(browser: FlaskClient, path: str) -> str:
    return browser.get(path).get_data(as_text=True)


def test_a_shop_without_a_code_is_told_to_make_one(owner: FlaskClient) -> None:
    text = page(owner, "/codes")
    assert "还没有收款码" in text
    assert 'href="/codes/new"' in text


def test_making_a_code_shows_its_page_and_the_payer_can_open_it(owner: FlaskClient, db: Database) -> None:
    made = owner.post("/codes", data={"name": "柜台", "shop": "1"})
    assert (made.status_code, made.location) == (303, "/codes/1")
    (code,) = codes_of(db)
    assert code.number is not None
    assert (code.name, code.state, code.printed_url) == ("柜台", "active", f"http://127.0.0.1:8000/c/{code.number}")
    text = page(owner, "/codes/1")
    assert f"{code.number[:4]}-{code.number[4:8]}-{code.number[8:]}" in text
    assert "陈珍珍 做了这张码" in text
    assert "阿珍水果摊" in page(owner, f"/c/{code.number}")
    assert "柜台" in page(owner, "/codes")


def test_a_form_sent_twice_makes_one_code(owner: FlaskClient, db: Database) -> None:
    first, second = (owner.post("/codes", data={"name": "柜台", "shop": "1"}) for _ in range(2))
    assert first.location == second.location
    assert len(codes_of(db)) == 1


def test_two_codes_cannot_have_one_name(owner: FlaskClient, hung: str) -> None:
    answer = owner.post("/codes", data={"name": "柜台", "shop": "1"})
    assert answer.status_code == 409
    assert "已经有一张码叫这个名字" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "请填名字"),
        ("   ", "请填名字"),
        ("一" * 21, "名字最多 20 个字"),
        ("柜台🍊", "这些字印不出来：🍊"),
        ("柜\u202e台", "这些字印不出来"),
    ],
)
def test_a_name_no_plate_can_show_is_refused_and_stays_typed(owner: FlaskClient, name: str, words: str) -> None:
    answer = owner.post("/codes", data={"name": name, "shop": "1"})
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert words in text
    assert f'value="{" ".join(name.split())}"' in text


def test_a_shop_of_somebody_else_cannot_be_chosen(owner: FlaskClient, db: Database) -> None:
    assert owner.post("/codes", data={"name": "柜台", "shop": "2"}).status_code == 422
    assert codes_of(db) == []


def test_before_any_contract_it_says_what_is_missing(db: Database, keyring: Keyring, client_of: object) -> None:
    with db.transaction(merchant=7) as session:
        session.add(Merchant(merchant_id=7, status="pending", name="新店", created_at=OPENED))
        session.flush()
        session.add(Shop(merchant_id=7, shop_id=1, name="新店", address="", created_at=OPENED))
    user = add_user(db, keyring, phone="+8613800000009", name="新人", merchant_id=7)
    browser = client_of(user, 7)  # type: ignore[operator]
    assert 'href="/application"' in page(browser, "/codes")
    for answer in (browser.get("/codes/new"), browser.post("/codes", data={"name": "柜台", "shop": "1"})):
        assert answer.status_code == 409
        text = answer.get_data(as_text=True)
        assert "微信支付和京东支付都还没开通" in text
        assert 'href="/application"' in text


def test_the_pdf_is_exactly_what_was_printed_and_leads_to_the_code(
    owner: FlaskClient, hung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[bytes] = []
    render = plates.render_plate_pdf

    def remember(face: plates.PlateFace) -> bytes:
        printed.append(render(face))
        return printed[-1]

    monkeypatch.setattr(plates, "render_plate_pdf", remember)
    answer = owner.get(f"{hung}/plate.pdf")
    assert answer.status_code == 200
    assert answer.data == printed[0]
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'inline; filename="yima-{CODE}.pdf"'
    assert answer.headers["Cache-Control"].startswith("private")
    document = pypdfium2.PdfDocument(answer.data)
    picture = document[0].render(scale=150 / 72).to_pil()
    document.close()
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [f"http://127.0.0.1/c/{CODE}"]


def test_the_picture_is_a_real_png_that_reads_back(owner: FlaskClient, hung: str) -> None:
    shown = re.search(r'<img[^>]* src="([^"]+)" width="(\d+)" height="(\d+)" alt="[^"]+"', page(owner, hung))
    assert shown is not None
    answer = owner.get(shown[1].replace("&amp;", "&"))
    assert answer.headers["Cache-Control"].startswith("private")
    picture = Image.open(io.BytesIO(answer.data))
    assert (picture.format, picture.size) == ("PNG", (int(shown[2]), int(shown[3])))
    assert [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))] == [f"http://127.0.0.1/c/{CODE}"]


def test_the_plate_speaks_two_languages_for_an_owner_who_reads_english(
    owner: FlaskClient, hung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces: list[plates.PlateFace] = []
    monkeypatch.setattr(plates, "render_plate_pdf", lambda face: faces.append(face) or b"%PDF")
    owner.get(f"{hung}/plate.pdf")
    owner.set_cookie("lang", "en")
    owner.get(f"{hung}/plate.pdf")
    assert [face.locale for face in faces] == ["zh", "bilingual"]
    assert (faces[0].shop_name, faces[0].place, faces[0].plate_name) == ("阿珍水果摊", "城东菜市场 B12", "柜台")


def test_a_long_address_keeps_its_end_where_the_stall_is_named(
    owner: FlaskClient, hung: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.get_one(Shop, (SHOP, 1)).address = "浙江省杭州市上城区望江街道" * 4 + "城东菜市场 B12"
    faces: list[plates.PlateFace] = []
    monkeypatch.setattr(plates, "render_plate_pdf", lambda face: faces.append(face) or b"%PDF")
    assert owner.get(f"{hung}/plate.pdf").status_code == 200
    assert len(faces[0].place) == 40
    assert faces[0].place.endswith("城东菜市场 B12")


def test_the_page_tells_who_printed(owner: FlaskClient, clerk: FlaskClient, hung: str, db: Database) -> None:
    clerk.get(f"{hung}/plate.pdf")
    owner.get(f"{hung}/plate.png?size=preview")
    text = page(owner, hung)
    assert text.count("下载去打印") == 1
    assert "周姐 下载去打印" in text
    with db.transaction(merchant=SHOP) as session:
        newest = audit.entries(session, SHOP)[0]
    assert (newest.act.action, newest.act.actor.name, newest.intact) == ("code.printed", "周姐", True)


def test_a_name_the_face_cannot_print_is_said_on_the_page_and_at_the_plate(
    owner: FlaskClient, hung: str, db: Database
) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.get_one(Shop, (SHOP, 1)).name = "阿𠮷水果摊"
    assert "店名里的这些字印不出来：𠮷" in page(owner, hung)
    assert "<img" not in page(owner, hung)
    answer = owner.get(f"{hung}/plate.pdf")
    assert answer.status_code == 422
    assert "店名里的这些字印不出来：𠮷" in answer.get_data(as_text=True)


def test_a_plate_that_turns_out_unfit_is_refused_in_words(
    owner: FlaskClient, hung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(face: plates.PlateFace) -> bytes:
        raise PlateUnfit("crowded", module=1.1, floor=1.25)

    monkeypatch.setattr(plates, "render_plate_pdf", refuse)
    answer = owner.get(f"{hung}/plate.pdf")
    assert answer.status_code == 422
    assert "店名太长" in answer.get_data(as_text=True)


def test_a_printing_process_that_is_down_offers_another_try(
    owner: FlaskClient, hung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(face: plates.PlateFace) -> bytes:
        raise PressFailed("busy")

    monkeypatch.setattr(plates, "render_plate_pdf", fail)
    answer = owner.get(f"{hung}/plate.pdf")
    assert answer.status_code == 503
    assert 'href="/codes/1/plate.pdf"' in answer.get_data(as_text=True)
    assert "下载去打印" not in page(owner, hung)


def test_suspending_asks_first_then_stops_the_payer_and_can_be_undone(
    owner: FlaskClient, hung: str, db: Database
) -> None:
    assert "随时能再启用" in page(owner, f"{hung}/suspend")
    assert codes_of(db)[0].state == "active"
    assert owner.post(f"{hung}/suspend").location == hung
    assert codes_of(db)[0].state == "suspended"
    text = page(owner, hung)
    assert "已停用" in text
    assert "陈珍珍 停用了它" in text
    payer = owner.get(f"/c/{CODE}", headers=WECHAT)
    assert payer.status_code == 403
    assert "这个码现在不能收款" in payer.get_data(as_text=True)
    assert "重新启用" in page(owner, f"{hung}/start")
    owner.post(f"{hung}/start")
    assert codes_of(db)[0].state == "active"
    assert owner.get(f"/c/{CODE}", headers=WECHAT).status_code == 200


def test_suspending_twice_changes_nothing_and_says_so(owner: FlaskClient, hung: str, db: Database) -> None:
    owner.post(f"{hung}/suspend")
    before = codes_of(db)[0].changed_at
    for ask in (owner.post, owner.get):
        assert ask(f"{hung}/suspend").status_code == 303
        assert "没有改动" in page(owner, hung)
    assert codes_of(db)[0].changed_at == before


def test_an_ended_code_is_not_printed_any_more(owner: FlaskClient, shop: int, db: Database) -> None:
    with db.transaction(merchant=shop) as session:
        add_code(session, merchant_id=shop, code=CODE, state="retired")
    assert "不再打印" in page(owner, "/codes/1")
    assert owner.get("/codes/1/plate.pdf").status_code == 409


def test_a_clerk_sees_and_prints_but_decides_nothing(clerk: FlaskClient, hung: str, db: Database) -> None:
    assert "停用这张码" not in page(clerk, hung)
    for path in ("/codes/new", "/codes/link", f"{hung}/suspend"):
        assert clerk.get(path).status_code == 403
    for path in ("/codes", "/codes/link", "/codes/link/confirm", f"{hung}/suspend", f"{hung}/start"):
        assert clerk.post(path).status_code == 403
    assert codes_of(db)[0].state == "active"


@pytest.mark.parametrize("path", ["", "/plate.pdf", "/plate.png", "/suspend", "/start"])
def test_another_shops_code_is_not_found(stranger: FlaskClient, hung: str, path: str) -> None:
    assert stranger.get(f"{hung}{path}").status_code == 404
    assert stranger.get(f"/codes/99999999999999999999{path}").status_code == 404


def test_another_shop_cannot_stop_a_code(stranger: FlaskClient, hung: str, db: Database) -> None:
    assert stranger.post(f"{hung}/suspend").status_code == 404
    assert codes_of(db)[0].state == "active"


def test_forms_need_their_token(app: Flask, owner: FlaskClient, hung: str, db: Database) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    for path in ("/codes", f"{hung}/suspend", "/codes/link", "/codes/link/check", "/codes/link/confirm"):
        assert owner.post(path, data={"name": "外卖窗", "shop": "1"}).status_code == 400
    assert [(code.name, code.state) for code in codes_of(db)] == [("柜台", "active")]


def test_a_restriction_is_said_with_its_way_out(owner: FlaskClient, hung: str, db: Database) -> None:
    with db.transaction(merchant=SHOP) as session:
        session.add(
            Restriction(
                merchant_id=SHOP,
                restriction_id=1,
                function="receive",
                reason="证件过期",
                way_out="请上传新的营业执照",
                since=datetime.now(UTC) - timedelta(days=1),
                lift_reason="",
            )
        )
    for path in ("/codes", hung):
        assert "收款暂停：证件过期。请上传新的营业执照" in page(owner, path)
