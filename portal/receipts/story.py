"""What happened to one payment, told in plain words from its own events. Nothing is said that no wallet has said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import format_date
from flask_babel import gettext as _

from portal.events.queries import Happening
from portal.payments.queries import PaymentRow
from portal.payments.rules import Source
from portal.plumbing.pages import clock_time
from portal.receipts.rules import Sums
from portal.receipts.words import money_words, wallet_word
from portal.refunds.queries import RefundRow
from portal.values.day import business_date


@dataclass(frozen=True)
class Line:
    """One line of the story. `state` is done, now (happening) or todo (to come)."""

    time: str
    text: str
    state: str = "done"


def tell(
    paid: PaymentRow, parts: Sums, refunds: list[RefundRow], happenings: list[Happening], *, today: date
) -> list[Line]:
    """The lines in the order in which things happened."""
    by_number = {refund.refund_no: refund for refund in refunds}
    sent_on = {happening.subject for happening in happenings if happening.kind == "refund.sent_on"}
    first_day = paid.business_date or business_date(paid.created_at)
    told: list[tuple[datetime, str, str]] = []
    for happening in happenings:
        for moment, text in _lines(happening, paid, parts, by_number, sent_on):
            told.append((moment, text, "done"))
    lines = [Line(_when(moment, first_day), text, state) for moment, text, state in told]
    lines += [
        Line(
            _("一般 1–3 个工作日"),
            _("%(amount)s 退到您的银行卡", amount=money_words(refund.amount))
            if refund.refund_no in sent_on
            else _(
                "%(amount)s 退到顾客的%(wallet)s", amount=money_words(refund.amount), wallet=wallet_word(paid.wallet)
            ),
            "now",
        )
        for refund in refunds
        if refund.state == "processing"
    ]
    settles = paid.source != Source.INTERCONNECT
    if settles and paid.business_date == today and paid.refunded + paid.refund_reserved < paid.amount:
        lines.append(Line(_("一般明天"), _("%(wallet)s结算到您的银行卡", wallet=wallet_word(paid.acquirer)), "todo"))
    return lines


def _lines(
    happening: Happening, paid: PaymentRow, parts: Sums, refunds: Mapping[str, RefundRow], sent_on: set[str]
) -> list[tuple[datetime, str]]:
    if happening.kind == "payment.success":
        return _paid(happening, paid, parts)
    kind, _dot, what = happening.kind.partition(".")
    if kind == "refund" and happening.subject in refunds:
        text = _refund(what, paid, refunds[happening.subject], to_the_shop=happening.subject in sent_on)
    elif kind == "rebate":
        text = _rebate(what, happening.facts)
    else:
        text = _payment(happening)
    return [(happening.at, text)] if text else []


def _payment(happening: Happening) -> str | None:
    if happening.kind == "payment.wallet_told":
        return _("清算替身说：付款的是%(wallet)s", wallet=wallet_word(str(happening.facts.get("wallet"))))
    words = {
        "payment.closed": _("等太久没付，订单关了"),
        "payment.failed": _("钱包说没付成，订单关了"),
        "payment.late_payment": _("订单已经关了，钱后来到了：重新算作收款"),
    }
    return words.get(happening.kind)


def _paid(happening: Happening, paid: PaymentRow, parts: Sums) -> list[tuple[datetime, str]]:
    moment = paid.paid_at or happening.at
    wallet, acquirer = wallet_word(paid.wallet), wallet_word(paid.acquirer)
    lines = [(moment, _("顾客扫码，付了 %(amount)s", amount=money_words(parts.payer)))]
    if parts.by_wallet:
        lines.append((moment, _("%(wallet)s补上立减 %(amount)s", wallet=wallet, amount=money_words(parts.by_wallet))))
    elif parts.by_others:
        lines.append((moment, _("付款时另有立减 %(amount)s", amount=money_words(parts.by_others))))
    received = money_words(paid.amount)
    if paid.source == Source.INTERCONNECT:
        lines.append((happening.at, _("清算替身说：收款人收到 %(amount)s", amount=received)))
    elif happening.facts.get("late"):
        lines.append((happening.at, _("%(wallet)s晚到的确认：收到 %(amount)s", wallet=acquirer, amount=received)))
    else:
        lines.append((happening.at, _("%(wallet)s确认收到 %(amount)s", wallet=acquirer, amount=received)))
    return lines


def _refund(what: str, paid: PaymentRow, refund: RefundRow, *, to_the_shop: bool) -> str | None:
    amount, acquirer, wallet = money_words(refund.amount), wallet_word(paid.acquirer), wallet_word(paid.wallet)
    words = {
        "requested": _("店里申请退款 %(amount)s：%(reason)s", amount=amount, reason=refund.reason),
        "second_payment": _("这单又付了一次 %(amount)s：不算您的收款，自动退回", amount=amount),
        "pending_approval": _("超过店员限额，等店主同意"),
        "approved": _("店主同意退款 %(amount)s", amount=amount),
        "declined": _("店主没有同意退款 %(amount)s，钱没动", amount=amount),
        "sent_on": _("卡住的 %(amount)s 改退到您的银行卡，由您退给顾客", amount=amount),
        "late_arrival": _("当作没退成的 %(amount)s 后来又退出去了，重新记账", amount=amount),
        "processing": _("%(wallet)s受理退款 %(amount)s，还没到账", wallet=acquirer, amount=amount),
        "unknown": _("还不知道%(wallet)s办没办退款，正在问", wallet=acquirer),
        "success": _("%(amount)s 退到了顾客的%(wallet)s", amount=amount, wallet=wallet),
        "abnormal": _("退款 %(amount)s 卡在%(wallet)s，没到顾客手里", amount=amount, wallet=acquirer),
        "closed": _("退款 %(amount)s 没退成，钱还在您这里", amount=amount),
    }
    if to_the_shop:
        words["success"] = _("%(amount)s 退到了您的银行卡，请退给顾客", amount=amount)
    if refund.transaction_no is not None:
        words["closed"] = _("多付的 %(amount)s 没退成，一码会处理", amount=amount)
    if what == "closed" and refund.refusal:
        told = _("%(wallet)s说：%(words)s", wallet=acquirer, words=refund.refusal)
        return f"{words['closed']}（{told}）"
    return words.get(what)


def _rebate(what: str, facts: Mapping[str, object]) -> str | None:
    amount = money_words(abs(int(str(facts.get("amount", 0)))))
    if what == "accrual":
        return _("记下返现 %(amount)s，待确认", amount=amount)
    if what == "clawback":
        return _("退款扣回返现 %(amount)s", amount=amount)
    return _("这笔不计返现：%(reason)s", reason=_why_no_rebate(str(facts.get("reason", ""))))


def _why_no_rebate(reason: str) -> str:
    words = {
        "not_started": _("活动还没开始"),
        "programme_over": _("活动结束了"),
        "too_small": _("金额太小"),
        "budget_used_up": _("活动预算用完了"),
    }
    return words.get(reason, _("不符合活动规则"))


def _when(moment: datetime, first_day: date) -> str:
    day = business_date(moment)
    if day == first_day:
        return clock_time(moment, True)
    named = format_date(day, _("M月d日"))
    return f"{named} {clock_time(moment)}"
