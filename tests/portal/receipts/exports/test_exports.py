import csv
import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
import time_machine
from flask.testing import FlaskClient
from psycopg import sql
from werkzeug.test import TestResponse

from portal.audit import queries as audit
from portal.audit.rules import Actor
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.receipts.exports import flows, operations, pieces, queries, sheets
from portal.receipts.exports.queries import Column
from portal.receipts.exports.rules import TRIES_MOST, Form, Kind, Period, Subject
from portal.values.cells import csv_yuan
from portal.values.references import check_character
from portal.wallets.port import Acquirer, RefundState, Wallet
from portal.worker import queue_app
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant, add_user
from tests.factories.payments import add_order, add_payment, add_refund
from tests.portal.stall import SHOP, STRANGER

STRANGERS_CODE = "7KQ42MHE" + check_character("7KQ42MHE")
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
FORM = {"subject": "receipts", "first": "2026-11-01", "last": "2026-11-22", "form": "csv", "key": "k1"}


@pytest.fixture(autouse=True)
def sunday_noon(owner: int) -> Iterator[None]:
    """22 November 2026, 12:00 in Shanghai."""
    with time_machine.travel(NOON, tick=True):
        yield


def text(response: TestResponse) -> str:
    page = re.sub(r"<(script|style).*?</\1>", "", response.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


@pytest.fixture
def make(owners_browser: FlaskClient, tools: Tools, db: Database) -> Callable[..., TestResponse]:
    """Ask for an export, have it made, and take it."""

    def made(**changed: str) -> TestResponse:
        asked = owners_browser.post("/receipts/export", data={**FORM, **changed})
        assert asked.status_code == 303, text(asked)
        export_id = int(asked.location.rsplit("/", 1)[1])
        flows.build(tools, merchant_id=SHOP, export_id=export_id, words=words_of(db, export_id))
        return owners_browser.get(f"{asked.location}/file")

    return made


def words_of(db: Database, export_id: int) -> sheets.Words:
    """As the view handed them to the queue: nobody but workers may read it, so they are named again."""
    with db.transaction(merchant=SHOP) as session:
        asked = queries.export(session, SHOP, export_id)
    assert asked is not None
    return words(Subject(asked.subject))


def words(subject: Subject) -> sheets.Words:
    return {
        "file": {"sheet": subject},
        "headings": {column.name: column.name for column in queries.COLUMNS[subject]},
        "wallet": {"wechat": "微信支付", "jdpay": "京东支付", "unknown": "未知"},
        "source": {"order": "聚合码", "static_code": "静态码", "interconnect": "别处的合同"},
        "state": {"success": "已退", "processing": "退款中"},
    }


def table(response: TestResponse) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"), newline="")))


def test_a_file_of_receipts_tells_both_dimensions_and_every_amount(
    make: Callable[..., TestResponse], db: Database, keyring: Keyring
) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON, wallet=Wallet.JDPAY, discount=300)
    add_refund(db, keyring, merchant_id=SHOP, payment_no=number, amount=1_200, now=NOON, state=RefundState.SUCCESS)
    add_order(db, keyring, merchant_id=SHOP, amount=500, now=NOON)
    response = make()
    assert response.headers["Content-Disposition"] == 'attachment; filename="yima-receipts-20261101-20261122.csv"'
    assert int(response.headers["Content-Length"]) == len(response.get_data())
    (line,) = table(response)
    assert line.pop("transaction_no").lstrip("'").isalnum()
    fee_returned = line.pop("fee_returned")
    assert line == {
        "paid_at": "2026-11-22 12:00:00", "day_number": "1", "receipt_no": number, "wallet": "京东支付",
        "acquirer": "微信支付", "source": "聚合码", "amount": "20.00", "payer_amount": "17.00", "by_wallet": "3.00",
        "by_merchant": "0.00", "by_others": "0.00", "fee": "0.08", "refunded": "12.00", "refunding": "0.00",
        "net": f"{20 - 0.08 - 12 + float(fee_returned):.2f}", "note": line["note"],
    }  # fmt: skip


def test_a_file_of_refunds_tells_what_went_back(
    make: Callable[..., TestResponse], db: Database, keyring: Keyring
) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_000, now=NOON)
    refund = add_refund(
        db, keyring, merchant_id=SHOP, payment_no=number, amount=1_200, now=NOON, state=RefundState.SUCCESS
    )
    (line,) = table(make(subject="refunds"))
    assert (line["refund_no"], line["receipt_no"], line["refund_amount"]) == (refund, number, "12.00")
    assert (line["wallet"], line["acquirer"], line["state"]) == ("微信支付", "微信支付", "已退")
    assert line["asked_at"] == "2026-11-22 12:00:00"


def test_a_sheet_holds_the_same_with_amounts_as_numbers(
    make: Callable[..., TestResponse], db: Database, keyring: Keyring
) -> None:
    number = add_payment(db, keyring, merchant_id=SHOP, amount=2_005, now=NOON)
    response = make(form="xlsx")
    headings, line = openpyxl.load_workbook(io.BytesIO(response.get_data())).active.values
    told = dict(zip(headings, line, strict=True))
    assert (told["receipt_no"], told["amount"], told["wallet"]) == (number, 20.05, "微信支付")


def test_only_the_days_asked_for_are_in_it_by_the_clock_in_beijing(
    make: Callable[..., TestResponse], db: Database, keyring: Keyring
) -> None:
    midnight = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    for amount, moment in (
        (100, midnight - timedelta(seconds=1)),
        (200, midnight),
        (300, midnight + timedelta(days=1)),
    ):
        add_payment(db, keyring, merchant_id=SHOP, amount=amount, now=moment)
    assert [line["amount"] for line in table(make(first="2026-11-21", last="2026-11-21"))] == ["2.00"]


def test_another_shop_is_in_no_file_and_sees_none(
    make: Callable[..., TestResponse], client_of: Callable[..., FlaskClient], db: Database, keyring: Keyring
) -> None:
    add_merchant(db, keyring, merchant_id=STRANGER, name="老王早餐", code=STRANGERS_CODE)
    stranger = add_user(db, keyring, phone="+8613800138002", name="老王", merchant_id=STRANGER)
    add_payment(db, keyring, merchant_id=STRANGER, amount=900, now=NOON)
    add_payment(db, keyring, merchant_id=SHOP, amount=100, now=NOON)
    assert [line["amount"] for line in table(make())] == ["1.00"]
    with db.transaction(merchant=SHOP) as session:
        (own,) = queries.newest(session, SHOP, most=2)
    for address in ("", "/file"):
        assert client_of(stranger, STRANGER).get(f"/receipts/export/{own.export_id}{address}").status_code == 404


def test_the_reader_sees_one_shop_whatever_it_asks_for(db: Database, keyring: Keyring) -> None:
    add_merchant(db, keyring, merchant_id=STRANGER, name="老王早餐", code=STRANGERS_CODE)
    add_payment(db, keyring, merchant_id=STRANGER, amount=900, now=NOON)
    day = date(2026, 11, 22)
    with db.transaction() as session:
        queries.settle_down(session)
        db.enter(session, SHOP)
        assert queries.count(session, STRANGER, Subject.RECEIPTS, Period(day, day)) == 0


def test_the_page_tells_how_far_it_is_and_can_be_left(
    owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=100, now=NOON)
    address = owners_browser.post("/receipts/export", data=FORM).location
    page = owners_browser.get(address)
    assert "正在排队" in text(page)
    assert 'http-equiv="refresh"' in page.get_data(as_text=True), "without script it asks again by itself"
    assert "data-pace" in page.get_data(as_text=True)
    export_id = int(address.rsplit("/", 1)[1])
    with db.transaction(merchant=SHOP) as session:
        run = operations.begin(session, merchant_id=SHOP, export_id=export_id)
        assert run == 1
        operations.note_progress(session, merchant_id=SHOP, export_id=export_id, run=run, done=37, total=100)
    assert "正在做，37%" in text(owners_browser.get(address))
    assert re.search(r"收款 · CSV.*正在做", text(owners_browser.get("/receipts/export")))
    assert owners_browser.get(f"{address}/file").location == address, "not ready: back to the page"


def test_a_ready_file_says_until_when_and_asks_no_more(
    make: Callable[..., TestResponse], owners_browser: FlaskClient
) -> None:
    address = make().request.path.removesuffix("/file")
    page = owners_browser.get(address)
    assert "文件做好了" in text(page)
    assert "11月29日 周日 12:00 以前都能下载" in text(page)
    assert "refresh" not in page.get_data(as_text=True)


def test_a_double_tap_is_one_file_and_the_act_is_recorded(owners_browser: FlaskClient, db: Database) -> None:
    first, second = (owners_browser.post("/receipts/export", data=FORM).location for _ in range(2))
    assert first == second
    with db.transaction(merchant=SHOP) as session:
        assert [entry.act.action for entry in audit.entries(session, SHOP)].count("receipts.exported") == 1


def test_a_shop_asks_for_ten_files_an_hour(owners_browser: FlaskClient) -> None:
    answers = [owners_browser.post("/receipts/export", data={**FORM, "key": f"k{n}"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [303] * 10 + [429]
    assert "一小时最多导出 10 次，请 13:00 以后再来" in text(answers[-1])


@pytest.mark.parametrize(
    ("changed", "words_said"),
    [
        ({"first": "2026-11-23"}, "结束日期要在开始日期之后"),
        ({"last": "2026-11-23"}, "结束日期不能晚于今天"),
        ({"first": "2025-11-01"}, "一次最多导出一年"),
        ({"first": "昨天"}, "请填日期，像 2026-11-22"),
        ({"last": ""}, "请填日期，像 2026-11-22"),
        ({"subject": "secrets"}, "请选导出什么"),
        ({"form": "exe"}, "请选存成什么"),
        ({"key": ""}, "请再点一次开始导出"),
    ],
)
def test_a_wrong_wish_is_answered_in_words_and_stays_typed(
    owners_browser: FlaskClient, changed: dict[str, str], words_said: str
) -> None:
    answer = owners_browser.post("/receipts/export", data={**FORM, **changed})
    assert answer.status_code == 422
    assert words_said in text(answer)
    for name in ("first", "last"):
        assert f'value="{changed.get(name, FORM[name])}"' in answer.get_data(as_text=True)


def test_a_clerk_exports_nothing(
    client_of: Callable[..., FlaskClient], owners_browser: FlaskClient, db: Database, keyring: Keyring
) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=100, now=NOON)
    clerk = add_user(db, keyring, phone="+8613800138009", name="小李", merchant_id=SHOP, role="clerk")
    browser = client_of(clerk, SHOP)
    assert browser.get("/receipts/export").status_code == 403
    assert browser.post("/receipts/export", data=FORM).status_code == 403
    assert "/receipts/export" not in browser.get("/receipts").get_data(as_text=True)
    assert "/receipts/export" in owners_browser.get("/receipts").get_data(as_text=True)


def test_after_its_days_the_file_is_gone(
    make: Callable[..., TestResponse], owners_browser: FlaskClient, tools: Tools, tmp_path: Path
) -> None:
    address = make().request.path.removesuffix("/file")
    stored = [path for path in (tmp_path / "documents").rglob("*") if path.is_file()]
    assert len(stored) == 1
    later, export_id = NOON + timedelta(days=8), int(address.rsplit("/", 1)[1])
    flows.expire(tools, merchant_id=SHOP, export_id=export_id, at=NOON + timedelta(days=1))
    assert stored[0].exists(), "not before its time"
    flows.expire(tools, merchant_id=SHOP, export_id=export_id, at=later)
    flows.expire(tools, merchant_id=SHOP, export_id=export_id, at=later)
    assert not stored[0].exists()
    assert "文件已经过期" in text(owners_browser.get(address))
    assert owners_browser.get(f"{address}/file").status_code == 302


def test_a_file_of_many_parts_comes_out_whole(
    make: Callable[..., TestResponse], db: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(flows, "PART_BYTES", 100)
    for n in range(5):
        add_payment(db, keyring, merchant_id=SHOP, amount=100 + n, now=NOON - timedelta(minutes=n))
    assert [line["amount"] for line in table(make())] == ["1.04", "1.03", "1.02", "1.01", "1.00"]
    parts = [path for path in (tmp_path / "documents").rglob("*") if path.is_file()]
    assert len(parts) > 5
    assert not [path for path in parts if b"1.04" in path.read_bytes()], "what lies in the store is sealed"


def asked_for(db: Database) -> int:
    """An export that nobody has begun."""
    from_page = Period(date(2026, 11, 22), date(2026, 11, 22))
    with db.transaction(merchant=SHOP) as session:
        return operations.ask(
            session, merchant_id=SHOP, subject=Subject.RECEIPTS, form=Form.CSV, chosen=from_page,
            words=words(Subject.RECEIPTS), form_key="k", actor=Actor("merchant", 1, "周建国"), now=NOON,
        )  # fmt: skip


def state_of(db: Database, export_id: int) -> tuple[str, int]:
    with db.transaction(merchant=SHOP) as session:
        found = queries.export(session, SHOP, export_id)
    assert found is not None
    return found.state, found.tries


def test_the_queue_makes_it(db: Database, keyring: Keyring, tools: Tools, database: TestDatabase) -> None:
    add_payment(db, keyring, merchant_id=SHOP, amount=100, now=NOON, acquirer=Acquirer.JDPAY)
    export_id = asked_for(db)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(queue_app(tools, direct_url=database.staff).run_worker, wait=False).result()
    assert state_of(db, export_id) == ("ready", 1)


def test_a_run_that_breaks_off_is_begun_again_and_given_up_in_the_end(
    db: Database, tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(operations, "finish", broken)
    export_id = asked_for(db)
    for run in range(1, TRIES_MOST + 1):
        with pytest.raises(OSError, match="disk"):
            flows.build(tools, merchant_id=SHOP, export_id=export_id, words=words(Subject.RECEIPTS))
        assert state_of(db, export_id) == ("failed" if run == TRIES_MOST else "running", run)
    assert [path for path in (tmp_path / "documents").rglob("*") if path.is_file()] == [], "nothing is left lying"
    monkeypatch.undo()
    flows.build(tools, merchant_id=SHOP, export_id=export_id, words=words(Subject.RECEIPTS))
    assert state_of(db, export_id)[0] == "failed", "what was given up stays so"


def test_a_killed_run_does_not_run_for_ever(db: Database, tools: Tools) -> None:
    export_id = asked_for(db)
    for _ in range(TRIES_MOST):
        with db.transaction(merchant=SHOP) as session:
            assert operations.begin(session, merchant_id=SHOP, export_id=export_id)
    flows.build(tools, merchant_id=SHOP, export_id=export_id, words=words(Subject.RECEIPTS))
    assert state_of(db, export_id) == ("failed", TRIES_MOST)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_was_overtaken_leaves_no_trace(
    db: Database, tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: str
) -> None:
    export_id = asked_for(db)
    write = sheets.write_csv

    def overtaken(*given: object, **named: object) -> None:
        if moment == "after":
            write(*given, **named)
        with db.transaction(merchant=SHOP) as session:
            operations.begin(session, merchant_id=SHOP, export_id=export_id)
        if moment == "before":
            write(*given, **named)

    monkeypatch.setattr(sheets, "write_csv", overtaken)
    flows.build(tools, merchant_id=SHOP, export_id=export_id, words=words(Subject.RECEIPTS))
    assert state_of(db, export_id) == ("running", 2)
    assert [path for path in (tmp_path / "documents").rglob("*") if path.is_file()] == []


def test_the_database_writes_values_as_python_does(db: Database) -> None:
    amounts = [0, 5, 10, 1234, -305, -5, 99_999_999_99, None]
    columns = (Column("a", Kind.OWN, ""), Column("b", Kind.MONEY, ""), Column("c", Kind.NUMBER, ""))
    told = sql.SQL(", ").join(pieces.server_cell(column, {}) for column in columns)
    with db.transaction() as session, queries.driver(session).cursor() as cursor:
        rows = sql.SQL(", ").join(sql.SQL("(NULL, {}::bigint, {}::bigint)").format(fen, fen) for fen in amounts)
        cursor.execute(sql.SQL("SELECT {} FROM (VALUES {}) AS line (a, b, c)").format(told, rows))
        found = cursor.fetchall()
    assert found == [("", csv_yuan(fen), "" if fen is None else str(fen)) for fen in amounts]
