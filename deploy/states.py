"""Draw the state tables of the rules into docs/states.md: `python -m deploy.states`. A test compares the file."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from deploy.settings import ROOT
from deploy.state_words import (
    APPLICATION,
    BILL,
    BILL_ITEM,
    CODE,
    PAYMENT,
    REFUND,
    SUSPENSE,
    WALLET_APPLICATION,
    WALLET_USUAL,
    Words,
)
from portal.codes import rules as codes
from portal.merchants import rules as merchants
from portal.payments import rules as payments
from portal.reconciliation import rules as bills
from portal.refunds import rules as refunds
from portal.suspense import rules as suspense
from portal.wallets.applications import ApplicationState

DOCUMENT = ROOT / "docs" / "states.md"
_HEAD = """\
# 状态 States

由代码中的状态表生成,不要手改;改了规则之后运行 `.venv/bin/python -m deploy.states`,有测试比对。
Drawn from the tables in the code; after a change of the rules run the command above. A test compares.

每张表对枚举是完整的:没有写进表里的事,什么也不改变(迟到的、重复的消息)。Each table is complete over its enum: a fact
without a way changes nothing (a late or repeated word). 粗体是终点 Bold: nothing leads out.
"""


@dataclass(frozen=True)
class Machine:
    """One table: its states with their words, and every way as (from, fact or empty, to).

    Where so many ways would only make a tangle, `usual` names the states of the ordinary way and those are drawn.
    """

    title: str
    slice: str
    words: Words
    ways: tuple[tuple[str, str, str], ...]
    usual: tuple[str, ...] = ()


def machines() -> tuple[Machine, ...]:
    """Every table of the product, read from the rules."""
    return (
        Machine("进件(一码审核)Application, with us", "merchants", APPLICATION, _moves(merchants.MOVES)),
        Machine(
            "进件(在每家钱包)Application, at each wallet",
            "merchants",
            WALLET_APPLICATION,
            _moves(merchants.WALLET_MOVES),
            WALLET_USUAL,
        ),
        Machine("收款 Payment", "payments", PAYMENT, _facts(payments.State, payments.Fact, payments.after)),
        Machine("退款 Refund", "refunds", REFUND, _facts(refunds.State, refunds.Fact, refunds.after)),
        Machine("账单 Bill", "reconciliation", BILL, _facts(bills.BatchState, bills.BatchFact, bills.batch_after)),
        Machine(
            "账单差异 Difference",
            "reconciliation",
            BILL_ITEM,
            _facts(bills.ItemState, bills.ItemFact, bills.item_after),
        ),
        Machine("待查款 Suspense", "suspense", SUSPENSE, _facts(suspense.State, suspense.Fact, suspense.after)),
        Machine("收款码 Code", "codes", CODE, _facts(codes.State, codes.Fact, codes.after)),
    )


def document() -> str:
    """The whole text of docs/states.md."""
    return "\n".join([_HEAD, *(_section(machine) for machine in machines())])


def _moves(table: Mapping[Any, frozenset[Any]]) -> tuple[tuple[str, str, str], ...]:
    """In the order of the enum; to stay where one is (asked, nothing new) is no way."""
    order = list(table)
    return tuple((str(state), "", str(to)) for state in order for to in order if to in table[state] and to is not state)


def _facts(
    states: type[StrEnum], facts: type[StrEnum], after: Callable[[Any, Any], Any]
) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (str(state), str(fact), str(to)) for state in states for fact in facts if (to := after(state, fact)) is not None
    )


def _section(machine: Machine) -> str:
    head = [f"## {machine.title}", "", f"`portal/{machine.slice}/rules.py`", ""]
    return "\n".join([*head, *_drawing(machine), "", *_table(machine), ""])


def _drawing(machine: Machine) -> Iterator[str]:
    """Mermaid, as the code hosts draw it. Ways between the same two states share one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for start, fact, to in machine.ways:
        if not machine.usual or (start, to) in pairwise(machine.usual):
            arrows.setdefault((start, to), []).append(fact)
    if machine.usual:
        yield "平常的路 The ordinary way(其余见表 the rest is in the table):"
        yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {next(iter(machine.words))}"
    for (start, to), facts in arrows.items():
        label = ", ".join(fact for fact in facts if fact)
        yield f"    {start} --> {to}" + (f": {label}" if label else "")
    yield "```"


def _table(machine: Machine) -> Iterator[str]:
    yield "| 状态 State | 中文 | 意思 Meaning | 之后 Next |"
    yield "|---|---|---|---|"
    for state, (chinese, meaning) in machine.words.items():
        ways = [f"`{to}` ({fact})" if fact else f"`{to}`" for start, fact, to in machine.ways if start == state]
        name = f"`{state}`" if ways else f"**`{state}`**"
        yield f"| {name} | {chinese} | {meaning} | {', '.join(ways) or '–'} |"


def every_state() -> dict[str, tuple[type[StrEnum], Words]]:
    """The enum behind each list of words, for the test that finds a state without words."""
    return {
        "application": (merchants.State, APPLICATION),
        "wallet application": (ApplicationState, WALLET_APPLICATION),
        "payment": (payments.State, PAYMENT),
        "refund": (refunds.State, REFUND),
        "bill": (bills.BatchState, BILL),
        "difference": (bills.ItemState, BILL_ITEM),
        "code": (codes.State, CODE),
    }


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    print(DOCUMENT)
