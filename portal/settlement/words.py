"""What sheets say, in the reader's language."""

from collections.abc import Sequence
from datetime import date, datetime

from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.plumbing.pages import clock_time, yuan
from portal.settlement.days import Institution
from portal.settlement.rules import Line
from portal.settlement.stages import Bill, Stage, Stand
from portal.values.day import business_date

WALLET_WORDS = {"wechat": _l("微信支付"), "jdpay": _l("京东支付"), "unknown": _l("未知"), "": _l("不分钱包")}
ACQUIRER_WORDS = {"wechat": _l("微信收单"), "jdpay": _l("京东收单"), "": ""}
_KINDS = {
    Stage.WAITING: "later",
    Stage.LOOKING: "wait",
    Stage.UNREPORTED: "note",
    Stage.BILL_MATCHED: "done",
    Stage.MATCHED: "done",
}


def money_words(fen: int) -> str:
    """`1200` fen as ¥12.00, for sentences."""
    return f"{'−' if fen < 0 else ''}¥{yuan(abs(fen))}"


def count_words(count: int) -> str:
    """37 笔; English tells one from many."""
    return _("1 笔") if count == 1 else _("%(count)s 笔", count=count)


def received_words(count: int) -> str:
    """收款 37 笔."""
    return _("收款 1 笔") if count == 1 else _("收款 %(count)s 笔", count=count)


def refunds_words(count: int) -> str:
    """退款 2 笔."""
    return _("退款 1 笔") if count == 1 else _("退款 %(count)s 笔", count=count)


def day_title(day: date) -> str:
    """11月21日 周六, in the language of the page."""
    return format_date(day, _("M月d日 EEE"))


def weekday(day: date) -> str:
    """周六."""
    return format_date(day, "EEE")


def month_title(day: date) -> str:
    """2026年11月."""
    return format_date(day, _("y年M月"))


def days_list(days: Sequence[date]) -> str:
    """11月21日 周六、11月24日 周二."""
    return _("、").join(day_title(day) for day in days)


def late_words(line: Line) -> str:
    """What stands of an earlier day, in a few words."""
    parts = []
    if line.count:
        parts.append(f"{received_words(line.count)} {money_words(line.gross)}")
    if line.refund_count:
        parts.append(f"{refunds_words(line.refund_count)} {money_words(-line.refunds)}")
    if line.fee:
        parts.append(_("手续费 %(amount)s", amount=money_words(-line.fee)))
    if line.held + line.other:
        parts.append(_("挂账及更正 %(amount)s", amount=money_words(line.held + line.other)))
    return " · ".join(parts)


def stand_words(stand: Stand) -> tuple[str, str]:
    """Sign and word of a sheet."""
    words = {
        Stage.WAITING: _("待对账"),
        Stage.LOOKING: _("在查 %(amount)s", amount=money_words(stand.looking)) if stand.looking else _("在查"),
        Stage.UNREPORTED: _("账单不全"),
        Stage.BILL_MATCHED: _("账单已对平"),
        Stage.MATCHED: _("已对平"),
    }
    return _KINDS[stand.stage], words[stand.stage]


def stand_sentence(stand: Stand) -> str:
    """What the word means."""
    sentences = {
        Stage.WAITING: _("已封存，等机构账单。一般第二天 10 点以后对完。"),
        Stage.LOOKING: _("和机构的账单或到账不一样，一码正在查。封存的数不会改。"),
        Stage.UNREPORTED: _("有机构没有给这一天的账单，给了的都对得上。"),
        Stage.BILL_MATCHED: _("每一笔都和机构账单对上了。钱到没到卡，机构还没有报告。"),
        Stage.MATCHED: _("账单和到账一分不差。"),
    }
    return sentences[stand.stage]


def bill_words(one: Institution) -> str:
    """What an institution's own bill says."""
    words = {
        Bill.AWAITED: _("账单还没来"),
        Bill.NOT_REPORTED: _("没有给账单"),
        Bill.MATCHED: _("账单已对平"),
        Bill.DIFFERENCE: _("账单差 %(amount)s，在查", amount=money_words(one.standing.looking)),
    }
    return words[one.standing.bill]


def paid_words(one: Institution) -> str:
    """What it has paid, or that nobody has told us; never zero for not knowing."""
    name = WALLET_WORDS[one.acquirer]
    if one.standing.paid is not None:
        return money_words(one.standing.paid)
    if one.standing.paid_awaited:
        return _("%(wallet)s还没报告", wallet=name)
    return _("%(wallet)s没有报告", wallet=name)


def moment_text(moment: datetime) -> str:
    """2026-11-22 00:05, by the clock in Shanghai."""
    return f"{business_date(moment).isoformat()} {clock_time(moment)}"


def seal_groups(seal: str) -> list[str]:
    """A seal in two lines of eight groups of four, for comparing by eye."""
    groups = [seal[at : at + 4] for at in range(0, len(seal), 4)]
    return [" ".join(groups[:8]), " ".join(groups[8:])]
