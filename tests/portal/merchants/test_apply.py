"""Filling in and handing in an application."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from portal.merchants import answers as halves
from portal.merchants import operations, queries
from portal.merchants.rules import Answers
from portal.plumbing.clock import now
from portal.plumbing.crypto import CannotOpen, Keyring
from portal.plumbing.db import Database
from portal.values.errors import NotAllowedNow
from tests.portal.merchants.conftest import ACCOUNT, LICENCE, PERSON, SHOP, hand_in, merchant_of, photo


def answers_of(db: Database, keyring: Keyring) -> Answers:
    merchant_id = merchant_of(db)
    with db.transaction(merchant=merchant_id) as session:
        row = queries.newest_application(session, merchant_id)
    assert row is not None
    return halves.opened(
        keyring, merchant_id=merchant_id, application_id=row.application_id, plain=row.plain, sealed=row.sealed
    )


@pytest.fixture
def owner(register: Callable[..., FlaskClient]) -> FlaskClient:
    """A browser that has begun an application."""
    browser = register()
    browser.post("/application")
    return browser


def test_it_is_filled_in_checked_and_handed_in(apply: Callable[..., FlaskClient], db: Database) -> None:
    browser = apply()
    merchant_id = merchant_of(db)
    with db.transaction(merchant=merchant_id) as session:
        row = queries.newest_application(session, merchant_id)
        events = session.execute(sa.text("SELECT kind FROM events ORDER BY seq")).scalars().all()
    assert row is not None
    assert row.state == "submitted"
    assert row.rates == {"wechat": 38, "jdpay": 38}
    assert events == ["merchant.registered", "application.submitted"]
    assert "一码审核" in browser.get("/application").get_data(as_text=True)


def test_what_is_sensitive_lies_sealed_and_is_shown_masked(apply: Callable[..., FlaskClient], db: Database) -> None:
    browser = apply(submit=False)
    page = browser.get("/application/check").get_data(as_text=True)
    assert "3604**********0071" in page
    assert "**** 6213" in page
    assert "360426199101010071" not in page
    merchant_id = merchant_of(db)
    with db.transaction(merchant=merchant_id) as session:
        row = queries.newest_application(session, merchant_id)
    assert row is not None
    kept = str(row.plain) + row.sealed
    for secret in ("360426199101010071", "6222021203008846213", "陈珍珍"):
        assert secret not in kept


def test_the_fee_must_be_accepted(apply: Callable[..., FlaskClient]) -> None:
    browser = apply(submit=False)
    assert "每收 100 元扣 0.38 元" in browser.get("/application/check").get_data(as_text=True)
    page = browser.post("/application/check", data={"rates": "jdpay=38 wechat=38"}).get_data(as_text=True)
    assert "同意费率后才能提交" in page


def test_a_rate_that_changed_meanwhile_is_shown_again(apply: Callable[..., FlaskClient], staff_db: Database) -> None:
    browser = apply(submit=False)
    with staff_db.transaction() as session:
        session.execute(sa.text("UPDATE fee_terms SET fee_rate_bp = 60 WHERE acquirer = 'jdpay'"))
    page = browser.post("/application/check", data={"rates": "jdpay=38 wechat=38", "accept": "y"})
    assert "费率刚刚有变" in page.get_data(as_text=True)
    assert "0.60%" in page.get_data(as_text=True)
    hand_in(browser)


def test_it_cannot_be_handed_in_before_it_is_complete(owner: FlaskClient, db: Database) -> None:
    page = owner.post("/application/check", data={"rates": "jdpay=38 wechat=38", "accept": "y"})
    assert page.status_code == 409
    assert "资料还没填完" in page.get_data(as_text=True)
    with db.transaction(merchant=merchant_of(db)) as session:
        assert session.execute(sa.text("SELECT state FROM applications")).scalar_one() == "draft"


def test_a_second_application_shows_the_open_one(apply: Callable[..., FlaskClient]) -> None:
    browser = apply()
    answer = browser.post("/application")
    assert answer.status_code == 409
    assert "您有一份申请正在办" in answer.get_data(as_text=True)


def test_the_database_refuses_a_second_open_application(owner: FlaskClient, db: Database, keyring: Keyring) -> None:
    merchant_id = merchant_of(db)
    with db.transaction(merchant=merchant_id) as session, pytest.raises(NotAllowedNow, match="open_already"):
        operations.start_application(session, keyring, merchant_id=merchant_id, now=now())
    with pytest.raises(IntegrityError, match="one_open"), db.transaction(merchant=merchant_id) as session:
        session.execute(
            sa.text(
                "INSERT INTO applications (merchant_id, application_id, state, subject_type, plain, sealed, reason,"
                " created_at) SELECT merchant_id, 2, 'submitted', subject_type, plain, sealed, reason, created_at"
                " FROM applications"
            )
        )


def test_handed_in_answers_cannot_be_changed(apply: Callable[..., FlaskClient], db: Database, keyring: Keyring) -> None:
    browser = apply()
    assert browser.get("/application/shop").location == "/application"
    answer = browser.post("/application/shop", data={**SHOP, "shop_name": "别家店"})
    assert answer.status_code == 409
    assert "申请已经提交，现在不能改" in answer.get_data(as_text=True)
    assert answers_of(db, keyring).shop_name == "阿珍水果摊"


@pytest.mark.parametrize(
    ("step", "good", "bad", "words"),
    [
        ("licence", LICENCE, {"licence_number": "92330102MA2H1ABC1X"}, "代码不对，请对着执照再看一遍"),
        ("licence", LICENCE, {"licence_number": "91110000600037341L"}, "这不是个体工商户的执照"),
        ("licence", LICENCE, {"licence_number": "12345"}, "代码不对，请对着执照再看一遍"),
        ("licence", LICENCE, {"licence_name": "水果店🍎"}, "不能有表情符号"),
        ("person", PERSON, {"id_number": "360426199101010072"}, "身份证号不对"),
        ("person", PERSON, {"legal_person": "陈💗"}, "不能有表情符号"),
        ("person", PERSON, {"id_valid_from": "昨天"}, "日期不对，请按 2016-03-01 这样填"),
        ("person", PERSON, {"id_valid_until": ""}, "请填有效期到哪天，长期有效的请勾选"),
        ("person", PERSON, {"id_valid_until": "2020-01-01"}, "身份证过期了"),
        ("person", PERSON, {"id_valid_from": "2090-01-01"}, "有效期还没开始"),
        ("shop", SHOP, {"shop_name": "店" * 31}, "店名最多 30 个字"),
        ("shop", SHOP, {"region_code": "999999"}, "请选城市"),
        ("shop", SHOP, {"email": "azhen"}, "邮箱不对"),
    ],
)
def test_bad_input_gets_a_clear_sentence_and_stays_typed(
    owner: FlaskClient, step: str, good: dict[str, str], bad: dict[str, str], words: str
) -> None:
    page = owner.post(f"/application/{step}", data={**good, **bad}).get_data(as_text=True)
    assert words in page
    assert 'id="error-summary"' in page
    typed = next(iter(bad.values()))
    assert typed == "999999" or f'value="{typed}"' in page


@pytest.mark.parametrize("number", ["6222 0212 0300 8846 21", "6222021203008846214", "卡号", ""])
def test_a_card_number_that_cannot_be_right_is_refused(owner: FlaskClient, number: str) -> None:
    owner.post("/application/person", data={**PERSON, "id_front": photo(), "id_back": photo()})
    page = owner.post("/application/account", data={**ACCOUNT, "account_number": number}).get_data(as_text=True)
    assert ("卡号不对，请对着卡再看一遍" in page) or ("请填银行卡号" in page)


def test_full_width_digits_are_understood(owner: FlaskClient, db: Database, keyring: Keyring) -> None:
    wide = PERSON["id_number"].translate({ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789"})
    owner.post("/application/person", data={**PERSON, "id_number": wide, "id_front": photo(), "id_back": photo()})
    assert answers_of(db, keyring).id_number == PERSON["id_number"]


def test_an_old_licence_number_of_fifteen_digits_is_taken(owner: FlaskClient) -> None:
    answer = owner.post(
        "/application/licence", data={**LICENCE, "licence_number": "330102600123456", "licence": photo()}
    )
    assert answer.status_code == 302


def test_the_account_waits_for_the_person(owner: FlaskClient) -> None:
    assert "先填身份证" in owner.get("/application").get_data(as_text=True)
    assert owner.get("/application/account").location == "/application"
    assert owner.post("/application/account", data=ACCOUNT).status_code == 409


def test_a_number_that_stands_may_be_left_blank(
    apply: Callable[..., FlaskClient], db: Database, keyring: Keyring
) -> None:
    browser = apply(submit=False)
    page = browser.get("/application/account").get_data(as_text=True)
    assert "已填 **** 6213" in page
    assert "6222021203008846213" not in page
    answer = browser.post("/application/account?check=1", data={"bank_name": "农业银行", "account_number": ""})
    assert answer.location == "/application/check"
    assert answers_of(db, keyring).account_number == "6222021203008846213"


def test_another_person_needs_another_card_and_number(
    apply: Callable[..., FlaskClient], db: Database, keyring: Keyring
) -> None:
    browser = apply(submit=False)
    page = browser.post("/application/person", data={**PERSON, "legal_person": "周建国", "id_number": ""})
    assert "请填身份证号" in page.get_data(as_text=True)
    browser.post("/application/person", data={**PERSON, "legal_person": "周建国"})
    assert answers_of(db, keyring).account_number == ""
    assert browser.get("/application/check").location == "/application"


def test_a_picture_is_kept_even_when_the_rest_is_wrong(owner: FlaskClient, db: Database, keyring: Keyring) -> None:
    page = owner.post("/application/licence", data={**LICENCE, "licence_number": "1", "licence": photo()})
    assert "已经有照片" in page.get_data(as_text=True)
    assert owner.post("/application/licence", data=LICENCE).status_code == 302
    shown = owner.get("/application/pictures/licence")
    assert shown.mimetype == "image/jpeg"


def test_a_missing_picture_is_asked_for(owner: FlaskClient) -> None:
    page = owner.post("/application/licence", data=LICENCE).get_data(as_text=True)
    assert "请拍一张营业执照照片" in page


def test_a_new_picture_takes_the_place_of_the_old_one(
    owner: FlaskClient, db: Database, keyring: Keyring, tmp_path: Path
) -> None:
    owner.post("/application/licence", data={**LICENCE, "licence": photo()})
    first = answers_of(db, keyring).documents["licence"]
    owner.post("/application/licence", data={**LICENCE, "licence": photo((900, 700), "PNG")})
    second = answers_of(db, keyring).documents["licence"]
    assert not (tmp_path / "documents" / first).exists()
    stored = (tmp_path / "documents" / second).read_bytes()
    assert b"JFIF" not in stored


def test_a_sealed_half_does_not_open_for_another_application(keyring: Keyring) -> None:
    plain, sealed = halves.parted(keyring, Answers(id_number="1"), merchant_id=1, application_id=1)
    with pytest.raises(CannotOpen):
        halves.opened(keyring, merchant_id=2, application_id=1, plain=plain, sealed=sealed)


def test_a_clerk_cannot_open_the_application(
    owner: FlaskClient, client_of: Callable[..., FlaskClient], staff_db: Database, db: Database, keyring: Keyring
) -> None:
    merchant_id = merchant_of(db)
    from_elsewhere = _clerk(staff_db, keyring, merchant_id)
    browser = client_of(from_elsewhere, merchant_id)
    assert browser.get("/application").status_code == 403
    assert browser.get("/application/pictures/licence").status_code == 403


def _clerk(staff_db: Database, keyring: Keyring, merchant_id: int) -> int:
    number = "+8613800138009"
    blind = keyring.blind(number, kind="phone")
    with staff_db.transaction(merchant=merchant_id) as session:
        user_id: int = session.execute(
            sa.text(
                "INSERT INTO users (kind, phone_blind, phone_sealed, phone_tail, name, password_hash, locale,"
                " created_at) VALUES ('merchant', :blind, '', '8009', '小王', '', 'zh', now()) RETURNING user_id"
            ),
            {"blind": blind},
        ).scalar_one()
        session.execute(
            sa.text("INSERT INTO members VALUES (:merchant, :user, 'clerk', '小王', now())"),
            {"merchant": merchant_id, "user": user_id},
        )
    return user_id


def test_an_upload_is_not_trusted_to_be_what_its_name_says(owner: FlaskClient) -> None:
    page = owner.post("/application/licence", data={**LICENCE, "licence": (BytesIO(b"<svg onload=1>"), "a.jpg")})
    assert "这个文件不是照片" in page.get_data(as_text=True)
