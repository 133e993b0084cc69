"""A day is sealed once, from the ledger's postings; what comes later stands on a later sheet and changes nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from portal.audit import queries as audit
from portal.plumbing import jobs
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.settlement import flows, operations, queries
from portal.settlement.queries import SheetRow
from portal.settlement.rules import Earlier, Line, Rebate
from portal.settlement.sealing import GENESIS
from portal.values.money import fee_of
from portal.wallets.port import Acquirer, Wallet
from tests.conftest import TestDatabase
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_payment
from tests.portal.settlement.conftest import DAY, NIGHT
from tests.portal.stall import SHOP

NEXT = DAY + timedelta(days=1)
Close = Callable[..., list[SheetRow]]
Paid = Callable[..., str]
Forge = Callable[[str], None]


def test_a_day_is_one_sheet_of_what_the_ledger_has(paid: Paid, refunded: Callable[..., str], close: Close) -> None:
    first = paid(10_000, hour=8)
    paid(2_000, hour=8, wallet=Wallet.JDPAY, discount=300)
    paid(5_000, hour=20, acquirer=Acquirer.JDPAY)
    paid(1_500, hour=23, wallet=Wallet.UNKNOWN)
    refunded(first, 4_000)
    (row,) = close()
    assert (row.day, row.position, row.previous, row.sealed_at) == (DAY, 1, GENESIS, NIGHT)
    assert row.figures.lines == (
        Line("wechat", "wechat", count=1, gross=10_000, refund_count=1, refunds=4_000, fee=38 - 15),
        Line("wechat", "jdpay", count=1, gross=2_000, fee=int(fee_of(2_000, 38)), discount=300),
        Line("wechat", "unknown", count=1, gross=1_500, fee=6),
        Line("jdpay", "jdpay", count=1, gross=5_000, fee=19),
    )
    assert row.figures.owed == {"wechat": 10_000 + 2_000 + 1_500 - 4_000 - 23 - 8 - 6, "jdpay": 5_000 - 19}
    assert (row.figures.hours[8], row.figures.hours[20], row.figures.hours[23]) == (12_000, 5_000, 1_500)
    assert sum(row.figures.hours) == row.figures.total.gross
    assert row.figures.rebate == Rebate()
    assert row.figures.earlier == ()


def test_it_is_sealed_once_however_often_the_night_is_run(paid: Paid, close: Close, staff_db: Database) -> None:
    paid(1_000)
    (row,) = close()
    assert close() == []
    with staff_db.transaction() as session:
        assert operations.seal(session, merchant_id=SHOP, figures=row.figures, now=NIGHT) is None
        assert queries.sheet(session, SHOP, DAY) == row
        acts = audit.entries(session, SHOP, only=("day.sealed",))
    assert [(entry.act.subject, entry.act.facts) for entry in acts] == [
        (DAY.isoformat(), {"position": 1, "seal": row.seal})
    ]


def test_two_workers_at_once_write_one_sheet(paid: Paid, staff_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    paid(1_000)
    # Whichever is second has looked before the first committed.
    monkeypatch.setattr(operations, "last_sheet", lambda *_: None)
    with staff_db.transaction() as session:
        (figures,) = queries.to_be_sealed(session, SHOP, until=DAY)
    both: list[SheetRow | None] = []
    beside = threading.Event()

    def other() -> None:
        with staff_db.transaction() as session:
            beside.set()
            both.append(operations.seal(session, merchant_id=SHOP, figures=figures, now=NIGHT))

    with staff_db.transaction() as session:
        mine = operations.seal(session, merchant_id=SHOP, figures=figures, now=NIGHT)
        thread = threading.Thread(target=other)
        thread.start()
        assert beside.wait(10)
    thread.join(10)
    assert mine is not None
    assert both == [None]


def test_a_day_is_not_sealed_before_it_is_over(paid: Paid, tools: Tools) -> None:
    paid(1_000, hour=1)
    assert flows.close_days(tools, now=NIGHT - timedelta(seconds=1)) == []


def test_a_day_of_which_nothing_is_known_has_no_sheet(paid: Paid, close: Close) -> None:
    paid(1_000)
    paid(2_000, day=DAY + timedelta(days=3))
    close()
    assert [(row.day, row.position) for row in close(nights=3)] == [(DAY + timedelta(days=3), 2)]


def test_after_nights_without_a_worker_each_day_gets_its_own_sheet_in_order(paid: Paid, close: Close) -> None:
    for days in range(3):
        paid(1_000 + days, day=DAY + timedelta(days=days))
    rows = close(nights=2)
    assert [(row.day, row.position, row.figures.total.gross) for row in rows] == [
        (DAY + timedelta(days=days), days + 1, 1_000 + days) for days in range(3)
    ]
    assert [row.previous for row in rows[1:]] == [row.seal for row in rows[:-1]]
    assert [row.figures.covered for row in rows] == [2, 4, 6]


def test_a_payment_told_after_the_close_stands_on_the_next_sheet_and_changes_nothing(
    paid: Paid, close: Close, staff_db: Database
) -> None:
    paid(1_000)
    (sealed,) = close()
    paid(700, hour=23)
    paid(2_000, day=NEXT)
    (following,) = close(nights=1)
    assert following.figures.total.gross == 2_000
    (late,) = following.figures.earlier
    assert (late.day, late.lines) == (DAY, [Line("wechat", "", count=1, gross=700, fee=3)])
    assert following.figures.earlier_total.owed == 697
    assert following.figures.covered == 6
    with staff_db.transaction() as session:
        assert queries.sheet(session, SHOP, DAY) == sealed
        assert queries.told_later(session, SHOP, [DAY]) == [following]
        assert queries.told_later(session, SHOP, [NEXT]) == queries.told_later(session, SHOP, []) == []


def test_a_refund_that_arrived_on_a_sealed_day_stands_on_the_next_sheet(
    paid: Paid, refunded: Callable[..., str], close: Close
) -> None:
    number = paid(1_000)
    close()
    refunded(number, 1_000)
    (row,) = close(nights=1)
    assert row.day == NEXT
    assert row.figures.lines == ()
    assert [one.lines for one in row.figures.earlier] == [[Line("wechat", "", refund_count=1, refunds=1_000, fee=-4)]]


def test_what_is_late_is_told_once(paid: Paid, close: Close) -> None:
    paid(1_000)
    close()
    paid(700)
    assert [row.figures.earlier_total.gross for row in close(nights=1)] == [700]
    assert close(nights=2) == []
    paid(30)
    paid(10, day=DAY - timedelta(days=5))
    (row,) = close(nights=3)
    assert [(one.day, one.lines[0].gross) for one in row.figures.earlier] == [
        (DAY - timedelta(days=5), 10),
        (DAY, 30),
    ]


def test_what_comes_after_the_close_of_the_same_day_waits_for_the_next_night(paid: Paid, close: Close) -> None:
    paid(1_000)
    close()
    paid(700)
    assert close() == []


def test_one_shops_lost_postings_hold_up_no_other(
    paid: Paid, close: Close, forge: Forge, db: Database, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    other = 590271846
    add_merchant(db, keyring, merchant_id=other, name="老王早餐", code="9F3MXTQ2C")
    paid(1_000)
    paid(900)
    close()
    forge("DELETE FROM transfers WHERE amount = 900")
    paid(50, day=NEXT)
    add_payment(db, keyring, merchant_id=other, amount=500, now=NIGHT)
    assert [(row.merchant_id, row.day) for row in close(nights=1)] == [(other, NEXT)]
    assert f"no day of merchant {SHOP} is sealed" in caplog.text


def test_what_a_worker_beside_us_has_sealed_is_left_to_it(
    paid: Paid, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(1_000)
    paid(1_000, day=NEXT)
    monkeypatch.setattr(operations, "seal", lambda *_args, **_named: None)
    assert flows.close(tools, SHOP, until=NEXT, now=NIGHT) == []


def test_money_that_fits_no_order_and_payments_of_other_contracts_are_told_apart(
    paid: Paid, close: Close, post: Callable[..., None], told_elsewhere: Callable[[], None]
) -> None:
    paid(1_000)
    paid(800, hour=9)
    post("suspense", 35)
    told_elsewhere()
    (row,) = close()
    assert (row.figures.elsewhere_count, row.figures.elsewhere_gross) == (1, 640)
    assert (row.figures.total.gross, row.figures.total.held) == (1_800, 35)
    assert Line("wechat", "unknown", held=35) in row.figures.lines


def test_the_night_queues_the_next_one_once(paid: Paid, tools: Tools, staff_db: Database) -> None:
    paid(1_000)
    flows.nightly(tools)
    flows.nightly(tools)
    with staff_db.transaction() as session:
        assert jobs.is_waiting(session, flows.NIGHTLY)
        queued = session.scalar(
            sa.text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'settlement.nightly'")
        )
        assert queued == 1
        assert queries.sheet(session, SHOP, DAY) is not None
        assert queries.ends(session, SHOP) == (DAY, DAY)


def test_each_seal_is_also_written_outside_the_database(paid: Paid, close: Close, tools: Tools) -> None:
    paid(1_000)
    rows = close()
    path = tools.settings.data_dir / "seals" / f"{NEXT.isoformat()}.txt"
    assert path.read_text() == "".join(flows.line_of(row) for row in rows)
    assert path.read_text() == f"{SHOP} 1 {DAY} {rows[0].seal}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    close()
    assert len(path.read_text().splitlines()) == 1


def test_nobody_who_serves_may_change_a_sheet(paid: Paid, close: Close, database: TestDatabase) -> None:
    paid(1_000)
    close()
    for role in (database.app, database.staff):
        for deed in ("UPDATE day_sheets SET position = 2", "DELETE FROM day_sheets"):
            with psycopg.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(deed)
    with psycopg.connect(database.app) as connection:
        connection.execute("SELECT set_config('app.merchant_id', %s, true)", (str(SHOP),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO day_sheets SELECT * FROM day_sheets")


def test_a_shop_sees_its_own_sheets_and_no_others(paid: Paid, close: Close, db: Database) -> None:
    paid(1_000)
    close()
    with db.transaction(merchant=SHOP) as session:
        assert queries.sheet(session, SHOP, DAY) is not None
    with db.transaction(merchant=590271846) as session:
        assert queries.sheet(session, SHOP, DAY) is None
        assert queries.sheets(session, SHOP, DAY, DAY) == []
        assert queries.ends(session, SHOP) is None


def test_an_earlier_day_is_told_by_acquirer() -> None:
    assert Earlier(DAY, ()).lines == []
