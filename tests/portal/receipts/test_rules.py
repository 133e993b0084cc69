import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.receipts.rules import Filter, Standing, read_filter, standing, sums


@pytest.mark.parametrize(
    ("refunded", "reserved", "open_refund", "stands"),
    [
        (0, 0, None, Standing.RECEIVED),
        (600, 0, None, Standing.PARTLY_REFUNDED),
        (4_800, 0, None, Standing.FULLY_REFUNDED),
        (600, 100, "processing", Standing.REFUNDING),
        (0, 4_800, "unknown", Standing.REFUNDING),
        (0, 100, "pending_approval", Standing.NEEDS_APPROVAL),
        (0, 100, "abnormal", Standing.STUCK),
        (0, 100, None, Standing.REFUNDING),
    ],
)
def test_what_is_under_way_comes_before_what_is_done(
    refunded: int, reserved: int, open_refund: str | None, stands: Standing
) -> None:
    found = standing(amount=4_800, refunded=refunded, refund_reserved=reserved, open_refund=open_refund)
    assert found is stands


@pytest.mark.parametrize("text", [None, "", "alipay", "ALL", "refunded;--"])
def test_an_unknown_chip_shows_everything_or_its_own(text: str | None) -> None:
    assert read_filter(text) is Filter.ALL


@given(st.data(), st.integers(1, 1_000_000))
def test_a_receipts_parts_always_make_up_the_whole(data: st.DataObject, amount: int) -> None:
    payer = data.draw(st.integers(0, amount))
    wallet = data.draw(st.integers(0, amount - payer))
    merchant = data.draw(st.integers(0, amount - payer - wallet))
    parts = sums(
        amount=amount,
        payer_amount=payer,
        parts=[("wallet", wallet), ("merchant", merchant)],
        fee=0,
        fee_returned=0,
        refunded=0,
    )
    assert parts.payer + parts.by_wallet + parts.by_merchant + parts.by_others == amount


def test_what_stays_is_less_fee_and_refund_and_more_by_the_fee_returned() -> None:
    parts = sums(amount=2_000, payer_amount=1_700, parts=[("wallet", 300)], fee=8, fee_returned=5, refunded=1_200)
    assert parts.net == 797


def test_a_payer_amount_nobody_told_is_the_whole() -> None:
    parts = sums(amount=2_000, payer_amount=None, parts=[], fee=8, fee_returned=0, refunded=0)
    assert (parts.payer, parts.by_others) == (2_000, 0)
