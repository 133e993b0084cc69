"""Faces for the tests: one stall, changed by what a test is about."""

from datetime import date
from typing import Any

from portal.codes.plates.face import PlateFace

CODE = "7KQ42MHDW"
URL = f"https://yima.example.cn/c/{CODE}"
LONG_NAME = "城东农贸市场老周家手工石磨豆腐豆花豆皮香干批发零售一号店"
LONGEST_NAME = LONG_NAME * 2 + "分店二号"


def a_face(**changes: Any) -> PlateFace:
    """The tofu stall's plate."""
    facts: dict[str, Any] = {
        "shop_name": "老周豆腐",
        "code": CODE,
        "url": URL,
        "changed_on": date(2026, 11, 21),
        "place": "城东菜市场 B12",
        "plate_name": "柜台",
    }
    return PlateFace(**{**facts, **changes})
