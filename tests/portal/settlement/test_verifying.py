"""Whatever is done to a sealed sheet by somebody with all rights, the two commands say it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.settlement import verifying
from portal.settlement.queries import SheetRow
from tests.portal.settlement.conftest import DAY
from tests.portal.stall import SHOP

Close = Callable[..., list[SheetRow]]
Run = Callable[[str], tuple[int, str]]
SECOND, THIRD = DAY + timedelta(days=1), DAY + timedelta(days=2)


@pytest.fixture(autouse=True)
def three_days(paid: Callable[..., str], close: Close) -> None:
    for days in range(3):
        paid(1_000 + days, day=DAY + timedelta(days=days))
        close(nights=days)


@pytest.fixture
def run(app: Flask) -> Run:
    """`run("verify-audit")`: its exit code and what it printed."""

    def command(name: str) -> tuple[int, str]:
        with app.app_context():
            done = app.test_cli_runner().invoke(args=[name])
        return done.exit_code, done.output

    return command


def test_honest_days_pass_both(run: Run) -> None:
    assert run("verify-audit") == (0, "every chain holds, every sealed day is as it was sealed\n")
    code, said = run("verify-ledger")
    assert (code, said.splitlines()[-1]) == (
        0,
        "every account is the sum of its transfers, every sealed day is in the ledger",
    )


@pytest.mark.parametrize(
    ("deed", "day", "said"),
    [
        (
            "UPDATE day_sheets SET figures = jsonb_set(figures, '{lines,0,gross}', '999') WHERE position = 2",
            SECOND,
            "it is not what was sealed",
        ),
        ("UPDATE day_sheets SET sealed_at = sealed_at + interval '1 s' WHERE position = 1", DAY, "not what was sealed"),
        ("UPDATE day_sheets SET figures = figures || '{\"form\": 9}' WHERE position = 2", SECOND, "cannot be read"),
        (
            "UPDATE day_sheets SET figures = figures || '{\"covered\": 0.5}' WHERE position = 2",
            SECOND,
            "cannot be read",
        ),
        ("UPDATE day_sheets SET figures = '{}' WHERE position = 2", SECOND, "cannot be read"),
        ("UPDATE day_sheets SET seal = repeat('a', 64) WHERE position = 3", THIRD, "not what was sealed"),
        ("UPDATE day_sheets SET day = day - 9 WHERE position = 1", DAY - timedelta(days=9), "not what was sealed"),
        ("UPDATE day_sheets SET day = day - 9 WHERE position = 3", THIRD - timedelta(days=9), "the next of its chain"),
        ("UPDATE day_sheets SET earlier_days = '{2026-01-01}' WHERE position = 1", DAY, "not what was sealed"),
        ("DELETE FROM day_sheets WHERE position = 1", SECOND, "it is not the next of its chain"),
        ("DELETE FROM day_sheets WHERE position = 3", THIRD, "the act is there and the sheet is gone"),
        ("DELETE FROM day_sheets", DAY, "the act is there and the sheet is gone"),
        ("DELETE FROM audit_entries WHERE seq = 3", THIRD, "the chain of acts has another seal"),
    ],
)
def test_a_forged_sheet_is_found(run: Run, forge: Callable[[str], None], deed: str, day: object, said: str) -> None:
    forge(deed)
    code, printed = run("verify-audit")
    assert code == 1
    assert f"sealed day {day} of merchant {SHOP}: " in printed
    assert said in printed


def test_a_sheet_that_was_sealed_anew_disagrees_with_the_files_outside(
    run: Run, tools: Tools, staff_db: Database
) -> None:
    """Somebody who recomputes every seal and every act still has not been where the files are kept."""
    (path, *_) = sorted((tools.settings.data_dir / "seals").glob("*.txt"))
    honest = path.read_text()
    path.write_text(honest.replace(honest[-9:-1], "deadbeef"))
    code, printed = run("verify-audit")
    assert (code, f"sealed day {DAY} of merchant {SHOP}: {path.name} has another seal" in printed) == (1, True)
    path.write_text(honest.replace(DAY.isoformat(), "2026-01-01"))
    with staff_db.transaction() as session:
        assert [wrong.day.isoformat() for wrong in verifying.against_files(session, path.parent) if wrong.day] == [
            "2026-01-01"
        ]


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM transfers WHERE amount = 1001",
        "UPDATE transfers SET amount = 1500 WHERE amount = 1001",
        "UPDATE transfers SET amount = 500 WHERE amount = 1001",
        "UPDATE transfers SET business_date = business_date + 30 WHERE amount = 1001",
        "UPDATE transfers SET kind = 'repost' WHERE amount = 1001",
    ],
)
def test_a_posting_taken_out_of_a_sealed_day_is_found(run: Run, forge: Callable[[str], None], deed: str) -> None:
    forge(deed)
    code, printed = run("verify-ledger")
    assert code == 1
    assert f"sealed day {SECOND} of merchant {SHOP}: " in printed


def test_what_was_told_late_is_part_of_what_must_be_there(
    run: Run, forge: Callable[[str], None], paid: Callable[..., str], close: Close
) -> None:
    paid(77, day=DAY)
    assert run("verify-ledger")[0] == 0
    close(nights=3)
    assert run("verify-ledger")[0] == 0
    forge("DELETE FROM transfers WHERE amount = 77")
    assert f"sealed day {DAY} of merchant {SHOP}: " in run("verify-ledger")[1]


def test_a_sheet_nobody_can_read_holds_up_its_own_shop_alone(
    run: Run, forge: Callable[[str], None], paid: Callable[..., str], close: Close, caplog: pytest.LogCaptureFixture
) -> None:
    forge("UPDATE day_sheets SET figures = '{}' WHERE position = 3")
    code, printed = run("verify-ledger")
    assert (code, f"sealed day unknown of merchant {SHOP}: sheet of {THIRD} cannot be read" in printed) == (1, True)
    paid(5, day=THIRD + timedelta(days=1))
    assert close(nights=3) == []
    assert "sheets and ledger disagree" in caplog.text
