"""How rebates are told to the merchant: every line says what it is made of, and why not where it is nothing."""

from decimal import Decimal

from flask_babel import format_date
from flask_babel import gettext as _

from portal.plumbing.pages import moment_words, yuan
from portal.rebates.queries import EntryRow, ProgrammeRow
from portal.values.day import in_shanghai


def percent(basis_points: int) -> str:
    """100 basis points as `1%`, 150 as `1.5%`."""
    return f"{Decimal(basis_points).scaleb(-2).normalize():f}%"


def last_day(programme: ProgrammeRow) -> str:
    """The end as people write it; a programme that ends at midnight says so."""
    moment = in_shanghai(programme.ends_at)
    day = format_date(moment.date(), _("y年M月d日"))
    return f"{day} {moment:%H:%M}"


def entry_words(entry: EntryRow) -> dict[str, object]:
    """One line of the list, as the arguments of a row."""
    base, rate = f"¥{yuan(entry.base_amount)}", percent(entry.rate_bp)
    when = moment_words(entry.at)
    common = {"href": f"/receipts/{entry.payment_no}", "fen": entry.amount, "plus": True}
    if entry.kind == "accrual":
        title = _("分享页付 %(base)s，返 %(rate)s", base=base, rate=rate)
        return {**common, "title": title, "second": when, "state_kind": "wait", "state_text": _("待确认")}
    if entry.kind == "clawback":
        title = _("退款 %(base)s，按比例扣回", base=base)
        return {**common, "title": title, "second": when, "state_kind": "refunded", "state_text": _("已扣回")}
    if entry.reason == "refund_too_small":
        title, second = _("退款 %(base)s，不到 1 分，不扣回", base=base), when
    else:
        title, second = why_not(entry.reason), _("分享页付 %(base)s · %(when)s", base=base, when=when)
    return {**common, "title": title, "second": second, "state_kind": "note", "state_text": _("不计")}


def why_not(reason: str) -> str:
    """Why a payment earned nothing."""
    sentences = {
        "not_started": _("付款时活动还没开始"),
        "programme_over": _("付款时活动已经结束"),
        "too_small": _("金额太小，返不到 1 分"),
        "budget_used_up": _("活动的钱已经返完"),
        "restricted": _("付款时返现暂停着"),
    }
    return sentences[reason]


def no_link(reason: str) -> str:
    """Why no sharing page can be opened now."""
    sentences = {
        "rebate_restricted": _("返现暂停着，现在不能分享。"),
        "programme_over": _("现在没有返现活动，不用分享。"),
        "code_unfit": _("先要有一张在用的收款码，才能分享。"),
    }
    return sentences[reason]
