"""How a sheet stands: never matched by silence, and a difference is said in yuan."""

from datetime import UTC, datetime

import pytest

from portal.settlement.stages import Bill, Stage, Stand, Standing, stand_of

AT = datetime(2026, 11, 22, 2, 14, tzinfo=UTC)


def told(acquirer: str = "wechat", bill: Bill = Bill.MATCHED, **more: object) -> Standing:
    return Standing(acquirer, bill, judged_at=AT, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("owed", "standings", "stage", "looking"),
    [
        ({"wechat": 100}, [], Stage.WAITING, 0),
        ({}, [], Stage.WAITING, 0),
        ({"wechat": 100}, [told(bill=Bill.AWAITED)], Stage.WAITING, 0),
        ({"wechat": 100}, [told()], Stage.BILL_MATCHED, 0),
        ({"wechat": 100}, [told(paid_awaited=False)], Stage.BILL_MATCHED, 0),
        ({"wechat": 100}, [told(paid=100)], Stage.MATCHED, 0),
        ({"wechat": 0}, [told()], Stage.MATCHED, 0),
        ({"wechat": 100}, [told(paid=97)], Stage.LOOKING, 3),
        ({"wechat": 100}, [told(paid=103)], Stage.LOOKING, 3),
        ({"wechat": 100}, [told(bill=Bill.DIFFERENCE, looking=35)], Stage.LOOKING, 35),
        ({"wechat": 100}, [told(bill=Bill.DIFFERENCE, looking=35, paid=90)], Stage.LOOKING, 45),
        ({"wechat": 100}, [told(bill=Bill.NOT_REPORTED)], Stage.UNREPORTED, 0),
        ({"wechat": 100, "jdpay": 50}, [told(paid=100)], Stage.WAITING, 0),
        ({"wechat": 100, "jdpay": 50}, [told(paid=100), told("jdpay", paid=50)], Stage.MATCHED, 0),
        ({"wechat": 100, "jdpay": 50}, [told(paid=100), told("jdpay")], Stage.BILL_MATCHED, 0),
        ({"wechat": 100, "jdpay": 50}, [told(paid=100), told("jdpay", Bill.NOT_REPORTED)], Stage.UNREPORTED, 0),
        ({"wechat": 100}, [told(paid=100), told("jdpay", Bill.NOT_REPORTED)], Stage.MATCHED, 0),
        ({"wechat": 100}, [told(paid=100), told("jdpay", Bill.DIFFERENCE, looking=7)], Stage.LOOKING, 7),
        ({"wechat": 100}, [told(paid=100), told("jdpay", paid=0)], Stage.MATCHED, 0),
        ({"wechat": 100}, [told(bill=Bill.AWAITED), told("jdpay", Bill.DIFFERENCE, looking=7)], Stage.LOOKING, 7),
    ],
)
def test_the_least_settled_acquirer_decides(
    owed: dict[str, int], standings: list[Standing], stage: Stage, looking: int
) -> None:
    found = stand_of(owed, {one.acquirer: one for one in standings})
    assert (found.stage, found.looking) == (stage, looking)
    assert found.judged_at == (AT if standings else None)


def test_nothing_told_is_waited_for() -> None:
    assert stand_of({"wechat": 1}, {}) == Stand(Stage.WAITING)
