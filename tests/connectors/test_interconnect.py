"""The portal's side of the clearing institution against the sandbox's: whose code, messages, the file of a day."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from portal.values.day import business_date
from portal.wallets.directory import Holding
from portal.wallets.errors import NoticeRejected, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.interconnect.connector import InterconnectConnector, interconnect_of
from portal.wallets.port import Wallet
from portal.wallets.routed import RoutedKind, RoutedNotice
from tests.connectors.server import Ear

PATIENCE = 20


def connector(sandbox: str, **changes: str) -> InterconnectConnector:
    section = requests.get(f"{sandbox}/credentials", timeout=10).json()["interconnect"] | changes
    found = interconnect_of({"interconnect": section})
    assert found is not None
    return found


def codes(sandbox: str) -> dict[str, dict[str, str]]:
    """One code of each holding."""
    return {code["holding"]: code for code in requests.get(f"{sandbox}/control/codes", timeout=10).json()}


def pay(sandbox: str, text: str, amount: int = 2_000) -> dict[str, Any]:
    answer = requests.post(
        f"{sandbox}/control/interconnect/pay",
        json={"text": text, "amount": amount, "wallet": "jdpay", "payer": "clearing-test"},
        timeout=10,
    )
    answer.raise_for_status()
    return dict(answer.json())


def next_morning(sandbox: str) -> None:
    requests.post(f"{sandbox}/control/clock", json={"to": "next_morning"}, timeout=10).raise_for_status()


@contextmanager
def fault(sandbox: str, name: str, operation: str = "") -> Iterator[None]:
    wish = {"institution": "interconnect", "name": name, "operation": operation}
    requests.post(f"{sandbox}/control/faults", json=wish, timeout=10).raise_for_status()
    yield
    requests.delete(f"{sandbox}/control/faults", timeout=10).raise_for_status()


def told(sandbox: str, ear: Ear, kind: RoutedKind, transaction_id: object) -> RoutedNotice:
    """The message about this transaction, once it has arrived and its signature was found right."""
    source, until = connector(sandbox), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for one in list(ear.deliveries):
            if one.path != "/notify/interconnect":
                continue
            try:
                notice = source.read_notice(headers=one.headers, body=one.body, now=datetime.now(UTC))
            except NoticeRejected:  # of another test's sandbox, which has other keys
                continue
            if notice.payment.transaction_id == transaction_id and notice.payment.kind is kind:
                return notice
        time.sleep(0.1)
    raise AssertionError(f"no message about {transaction_id}")


@pytest.mark.parametrize("holding", list(Holding))
def test_each_kind_of_code_is_told_apart(sandbox: str, holding: Holding) -> None:
    code = codes(sandbox)[holding]
    holder = connector(sandbox).resolve_code(code["text"])
    assert holder is not None
    assert (holder.holding, holder.holder_name) == (holding, code["holder_name"])
    own = holding is Holding.OWN_SUB_MERCHANT
    assert holder.sub_merchant_no == (code["merchant_no"] if own else None)


def test_a_code_nobody_filed_has_no_holder(sandbox: str) -> None:
    assert connector(sandbox).resolve_code("wxp://f2f0nobodyhasfiledthis") is None


def test_the_second_key_signs_as_well_as_the_first(sandbox: str) -> None:
    section = requests.get(f"{sandbox}/credentials", timeout=10).json()["interconnect"]
    swapped = {
        "key_id": section["next_key_id"],
        "key": section["next_key"],
        "next_key_id": section["key_id"],
        "next_key": section["key"],
    }
    assert connector(sandbox, **swapped).resolve_code(codes(sandbox)[Holding.PERSONAL]["text"])


def test_a_wrong_key_is_refused_and_its_refusal_not_believed(sandbox: str) -> None:
    with pytest.raises(WalletUnknown, match="UNTRUSTED_ANSWER"):
        connector(sandbox, key="x" * 64).resolve_code("wxp://f2f0whatever")


@pytest.mark.parametrize(
    ("name", "trouble"),
    [("refuse", WalletRefused), ("system_error", WalletUnavailable), ("bad_answer_signature", WalletUnknown)],
)
def test_each_fault_of_the_directory_is_what_it_is(sandbox: str, name: str, trouble: type[Exception]) -> None:
    text = codes(sandbox)[Holding.PERSONAL]["text"]
    with fault(sandbox, name, "query"), pytest.raises(trouble):
        connector(sandbox).resolve_code(text)
    assert connector(sandbox).resolve_code(text)


def test_a_payment_nobody_else_would_report_is_told(sandbox: str, ear: Ear) -> None:
    code = codes(sandbox)[Holding.PERSONAL]
    shown = pay(sandbox, code["text"])
    word = told(sandbox, ear, RoutedKind.CODE_PAID, shown["transaction_id"]).payment
    assert (word.code_text, word.amount, word.wallet, word.holding) == (
        code["text"],
        2_000,
        Wallet.JDPAY,
        Holding.PERSONAL,
    )
    assert word.payer_amount + sum(part.amount for part in word.promotions) == 2_000


def test_who_paid_our_own_sub_merchants_code_is_told_after_the_acquirer_has(sandbox: str, ear: Ear) -> None:
    code = codes(sandbox)[Holding.OWN_SUB_MERCHANT]
    shown = pay(sandbox, code["text"])
    word = told(sandbox, ear, RoutedKind.WALLET_TOLD, shown["transaction_id"]).payment
    assert (word.wallet, word.sub_merchant_no, word.order_no) == (Wallet.JDPAY, code["merchant_no"], shown["number"])


def fetched(sandbox: str, day: date) -> str | None:
    file = io.BytesIO()
    size = connector(sandbox).fetch_clearing(day, into=file)
    assert size is None or size == file.tell()
    return None if size is None else file.getvalue().decode()


def test_the_clearing_file_comes_the_next_morning_and_adds_up(movable: str, ear: Ear) -> None:
    next_morning(movable)
    moment = requests.get(f"{movable}/control/clock", timeout=10).json()["now"]
    today = business_date(datetime.fromisoformat(moment))
    shown = pay(movable, codes(movable)[Holding.OWN_SUB_MERCHANT]["text"])
    told(movable, ear, RoutedKind.WALLET_TOLD, shown["transaction_id"])
    assert fetched(movable, today) is None
    next_morning(movable)
    lines = (fetched(movable, today) or "").splitlines()
    assert lines[0].startswith("kind,clearing_no,number,account_side,acquirer")
    assert lines[1].split(",")[:5] == ["payment", shown["clearing_no"], shown["clearing_no"], "jdpay", "wechat"]
    assert lines[-1] == "total,1,2000,0,0"
    with fault(movable, "bad_answer_signature", "bill"), pytest.raises(WalletUnknown, match="UNTRUSTED_ANSWER"):
        fetched(movable, today)
    with fault(movable, "bill_missing_line"):
        assert len((fetched(movable, today) or "").splitlines()) == len(lines) - 1
    with fault(movable, "bill_missing"):
        assert fetched(movable, today) is None
