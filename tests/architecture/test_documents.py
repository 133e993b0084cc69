"""The documents stay true: links lead somewhere, named files and tests exist, settings are listed, sums are right."""

import ast
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from portal.codes.rules import CODES_MOST, NAME_MOST
from portal.codes.scanning.asking import FILE_MOST_BYTES
from portal.identity.rules import (
    LIMITS,
    MERCHANT_IDLE,
    MERCHANT_SESSION,
    SMS_CODE_LIFE_MINUTES,
    SMS_CODE_TRIES,
    STAFF_IDLE,
    STAFF_SESSION,
    Limit,
)
from portal.ledger.rules import Move
from portal.merchants.pictures import PICTURE_MOST_BYTES
from portal.payments.postings import received
from portal.payments.rules import NOTE_MOST, ORDER_LIFE
from portal.rebates.postings import accrued, clawed_back
from portal.rebates.rules import earned, taken_back
from portal.refunds import postings as refunds
from portal.refunds.rules import MOST_PARTS, REASON_MOST, REFUND_WINDOW, fee_back
from portal.values.money import MAX_ORDER_FEN, Fen, fee_of

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS = ("portal", "sandbox", "templates", "static", "tests", "deploy", "docs", "migrations", "bench")
SETTINGS_READ_IN = ("deploy/settings.py", "deploy/process.py", "portal/config.py", "sandbox/factory.py")
HOUR = timedelta(hours=1)
DAY = date(2026, 11, 22)


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(#[^)]*)?\)|src=\"([^\"]+)\"", path.read_text(encoding="utf-8"))
    links = [link or image for link, _anchor, image in targets if not (link or image).startswith(("http", "mailto:"))]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_file_and_test_it_names_exists(path: Path) -> None:
    words = re.findall(r"`([^`\s]+)`", path.read_text(encoding="utf-8"))
    named = {word.split("::")[0] for word in words if word.startswith(tuple(f"{folder}/" for folder in FOLDERS))}
    plain = {name for name in named if not set("<>{}…") & set(name)}
    assert sorted(name for name in plain if not list(ROOT.glob(name.rstrip("/")))) == []
    tests = {word for word in words if re.fullmatch(r"test_\w+", word)}
    assert tests <= _every_test()


@pytest.mark.parametrize(
    "source", ["deploy/settings.py", "portal/config.py", "sandbox/factory.py", "deploy/process.py"]
)
def test_every_setting_is_listed(source: str) -> None:
    text = (ROOT / source).read_text(encoding="utf-8")
    read = set(re.findall(r"(?:get|_port|_needed)\((?:environ, )?\"([A-Z][A-Z_]+)\"", text))
    listed = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert read, "this file reads no setting any more"
    assert sorted(name for name in read if f"`{name}" not in listed) == []


def test_the_limits_are_those_of_the_code() -> None:
    chinese, english = (_section(name, title) for name, title in (("README.md", "限度"), ("README.en.md", "Limits")))
    most = f"¥{Fen(MAX_ORDER_FEN).yuan:,}"
    life = ORDER_LIFE.seconds // 60
    by_phone, by_login = (LIMITS[one].most for one in (Limit.SMS_BY_PHONE, Limit.LOGIN_BY_PHONE))
    upload, scan = (size // 1024 // 1024 for size in (PICTURE_MOST_BYTES, FILE_MOST_BYTES))
    stays = (MERCHANT_SESSION.days, MERCHANT_IDLE // HOUR, STAFF_SESSION // HOUR, STAFF_IDLE.seconds // 60)
    for phrase in (
        f"到 {most};备注 {NOTE_MOST} 字;{life} 分钟没付",
        f"{REFUND_WINDOW.days} 天内,最多 {MOST_PARTS} 次;原因 {REASON_MOST} 字",
        f"{CODES_MOST} 张,名称 {NAME_MOST} 字",
        f"{upload} MiB;要扫的图片或 PDF {scan} MiB",
        f"{SMS_CODE_LIFE_MINUTES} 分钟有效,可试 {SMS_CODE_TRIES} 次;每分钟一条,每个号码每小时 {by_phone} 条",
        f"5 分钟 {by_login} 次;店主 {stays[0]} 天或闲置 {stays[1]} 小时后",
        f"员工 {stays[2]} 小时或闲置 {stays[3]} 分钟后",
    ):
        assert phrase in chinese
    for phrase in (
        f"to {most}; a note of {NOTE_MOST} characters; closed when not paid within {life} minutes",
        f"within {REFUND_WINDOW.days} days of the payment, in at most {MOST_PARTS} parts; a reason of {REASON_MOST}",
        f"{CODES_MOST} per merchant, names of {NAME_MOST}",
        f"{upload} MiB; a picture or PDF to scan {scan} MiB",
        f"{SMS_CODE_LIFE_MINUTES} minutes and {SMS_CODE_TRIES} tries; one a minute, {by_phone} an hour",
        f"{by_login} tries in 5 minutes for one number; again after {stays[0]} days or {stays[1]} idle hours (owner), "
        f"{stays[2]} hours or {stays[3]} idle minutes (staff)",
    ):
        assert phrase in english


def test_the_worked_example_of_the_ledger_is_what_the_postings_say() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    row = re.compile(r"\| `(\w+)` \| `([\w:]+)` \| `([\w:]+)` \| (\d+) \|")
    moves = _example()
    assert row.findall(text) == [(move.kind, move.debit, move.credit, str(move.amount)) for move in moves]
    net: Counter[str] = Counter()
    for move in moves:
        net[move.debit] += move.amount
        net[move.credit] -= move.amount
    assert dict(re.findall(r"^\| `([\w:]+)` \| (-?\d+) \|$", text, re.MULTILINE)) == {
        account: str(fen) for account, fen in net.items()
    }


def _example() -> list[Move]:
    return [
        *_paid("Y1", "wechat", 1234),
        *_given_back("R1", "wechat", 234, of=1234),
        *_paid("Y2", "jdpay", 500),
        *_paid("Y3", "wechat", 2000),
        *accrued(payment_no="Y3", amount=earned(amount=2000, rate_bp=100), day=DAY),
        *_given_back("R2", "wechat", 500, of=2000),
        *clawed_back(
            refund_no="R2", amount=taken_back(accrued=20, already_back=0, refunded_in_all=500, amount=2000), day=DAY
        ),
    ]


def _paid(number: str, acquirer: str, amount: int) -> list[Move]:
    return received(payment_no=number, acquirer=acquirer, amount=amount, fee_amount=fee_of(amount, 38), day=DAY)


def _given_back(number: str, acquirer: str, amount: int, *, of: int) -> list[Move]:
    back = fee_back(fee=fee_of(of, 38), fee_returned=0, amount=amount, order_amount=of)
    return [
        *refunds.requested(refund_no=number, acquirer=acquirer, amount=amount, day=DAY),
        *refunds.arrived(refund_no=number, acquirer=acquirer, amount=amount, fee_back=back, day=DAY),
    ]


def _section(name: str, title: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _every_test() -> set[str]:
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
