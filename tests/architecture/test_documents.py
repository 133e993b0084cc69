"""The documents stay true: links lead somewhere, named files and tests exist, settings are listed, sums are right."""

import ast
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from portal.ledger.rules import Move
from portal.payments.postings import received
from portal.rebates.postings import accrued, clawed_back
from portal.rebates.rules import earned, taken_back
from portal.refunds import postings as refunds
from portal.refunds.rules import fee_back
from portal.values.money import fee_of

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS = ("portal", "sandbox", "templates", "static", "tests", "deploy", "docs", "migrations", "bench")
SETTINGS_READ_IN = ("deploy/settings.py", "deploy/process.py", "portal/config.py", "sandbox/factory.py")
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


def _every_test() -> set[str]:
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
