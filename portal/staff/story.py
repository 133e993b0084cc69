"""A merchant's story for the console: what was done (the chain of acts) and what happened to his money (the feed)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.audit.queries import Entry
from portal.audit.rules import Act
from portal.events.queries import Happening
from portal.merchants.rules import masked_name
from portal.merchants.words import ACQUIRER_WORDS, DOCUMENT_WORDS, FUNCTION_WORDS
from portal.staff.rules import application_number
from portal.values.day import business_date

# The sign beside each act, and its words.
_ACTS = {
    "merchant.registered": ("person", _l("商户注册")),
    "application.submitted": ("flag", _l("提交进件")),
    "application.approved": ("ok", _l("进件通过")),
    "application.returned": ("bad", _l("进件退回")),
    "contract.opened": ("ok", _l("钱包开通")),
    "restriction.placed": ("pause", _l("限制")),
    "restriction.lifted": ("ok", _l("解除限制")),
    "code.opened": ("code", _l("新建码牌")),
    "code.linked": ("code", _l("关联收款码")),
    "code.printed": ("code", _l("下载码牌")),
    "code.active": ("ok", _l("启用码牌")),
    "code.suspended": ("pause", _l("停用码牌")),
    "code.retired": ("bad", _l("作废码牌")),
    "code.suspect": ("warn", _l("码牌可疑")),
    "code.replaced": ("code", _l("换新码牌")),
    "code.lost": ("bad", _l("挂失码牌")),
    "refund.requested": ("out", _l("申请退款")),
    "day.sealed": ("ok", _l("封存日结单")),
}
# Facts of the feed that no act tells already.
_FACTS = {
    "payment.success": ("in", _l("收款")),
    "payment.wallet_told": ("flag", _l("得知付款的钱包")),
    "payment.late_payment": ("warn", _l("订单已经结束，钱后来到了，重新算作收款")),
    "refund.second_payment": ("warn", _l("同一单付了两次，第二笔自动退回")),
    "refund.pending_approval": ("out", _l("店员退款超过限额，等店主同意")),
    "refund.approved": ("out", _l("店主同意退款")),
    "refund.declined": ("out", _l("店主没有同意退款")),
    "refund.late_arrival": ("warn", _l("当作没退成的退款又到账了，重新入账")),
    "refund.sent_on": ("out", _l("卡住的退款改退到店主的银行卡")),
    "payment.unexplained": ("warn", _l("收到一笔对不上订单的钱，已挂账")),
    "application.rejected": ("bad", _l("钱包驳回进件")),
    "refund.success": ("out", _l("退款到账")),
    "refund.closed": ("warn", _l("退款没有成功")),
    "refund.abnormal": ("bad", _l("退款卡住")),
    "rebate.link_opened": ("flag", _l("开通返现链接")),
    "rebate.accrual": ("in", _l("返现记账")),
    "rebate.clawback": ("out", _l("返现收回")),
}
_LOOKS = {
    "overview": _l("商户总览（遮蔽）"),
    "restrict": _l("限制功能页"),
    "lift": _l("解除限制页"),
}
_OTHER = _l("其他操作")


@dataclass(frozen=True)
class Line:
    """One line of the story: who and why under the title. `fen` is the amount at its right."""

    at: datetime
    kind: str
    title: str
    parts: tuple[str, ...]
    fen: int | None = None


@dataclass(frozen=True)
class Day:
    """One day's lines, the newest first."""

    date: date
    lines: list[Line]


def tell(acts: Iterable[Entry], happenings: Iterable[Happening], *, most: int) -> list[Day]:
    """Both together, the newest first, at most `most` lines, day by day."""
    lines = [_act_line(entry.act) for entry in acts]
    lines += [_fact_line(happening) for happening in happenings if happening.kind in _FACTS]
    days: list[Day] = []
    for line in sorted(lines, key=lambda line: line.at, reverse=True)[:most]:
        day = business_date(line.at)
        if not days or days[-1].date != day:
            days.append(Day(day, []))
        days[-1].lines.append(line)
    return days


def look_words(merchant_id: int, act: Act) -> str:
    """What somebody of staff looked at."""
    if act.action == "merchant.viewed":
        return str(_LOOKS.get(str(act.facts.get("shown")), _OTHER))
    application_id, _slash, document = act.subject.partition("/")
    number = application_number(merchant_id, int(application_id))
    if act.action == "document.viewed":
        picture = DOCUMENT_WORDS.get(document, document)  # type: ignore[call-overload]
        return _("%(picture)s（%(number)s）", picture=picture, number=number)
    return _("进件 %(number)s（遮蔽）", number=number)


def _act_line(act: Act) -> Line:
    kind, title = _ACTS.get(act.action, ("open", _OTHER))
    subject = _subject_words(act)
    words = f"{title} {subject}" if subject else str(title)
    return Line(act.at, kind, words, (_who(act), act.reason))


def _subject_words(act: Act) -> str:
    if act.action.startswith("restriction."):
        return str(FUNCTION_WORDS.get(act.subject, act.subject))  # type: ignore[call-overload]
    if act.action == "contract.opened":
        return str(ACQUIRER_WORDS.get(act.subject, act.subject))
    return ""


def _who(act: Act) -> str:
    if act.actor.kind == "system":
        return _("系统自动")
    if act.actor.kind == "wallet":
        return str(ACQUIRER_WORDS.get(act.actor.name, act.actor.name))
    if act.actor.kind == "staff":
        return _("%(name)s（一码）", name=act.actor.name)
    # A newcomer is called 店主 and the tail of his number: nothing to hide there.
    return act.actor.name if act.actor.name[-1:].isdigit() else masked_name(act.actor.name)


def _fact_line(happening: Happening) -> Line:
    kind, title = _FACTS[happening.kind]
    facts: dict[str, Any] = dict(happening.facts)
    wallet = facts.get("wallet") or (happening.subject if happening.kind == "application.rejected" else "")
    second = str(ACQUIRER_WORDS.get(str(wallet), _("未知钱包"))) if wallet else str(facts.get("reason") or "")
    amount = facts.get("amount")
    return Line(happening.at, kind, str(title), (second,), amount if isinstance(amount, int) else None)
