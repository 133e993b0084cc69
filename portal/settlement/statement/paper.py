"""What a statement says, every word of it in the reader's language, as plain values for the printing process."""

from typing import Any

from flask import url_for
from flask_babel import gettext as _

from portal.plumbing.look import chosen_locale
from portal.plumbing.pages import yuan
from portal.settlement import words
from portal.settlement.days import Day, Institution
from portal.settlement.rules import Figures, Line
from portal.settlement.stages import Stage
from portal.settlement.words import (
    ACQUIRER_WORDS,
    WALLET_WORDS,
    count_words,
    moment_text,
    paid_words,
    received_words,
    refunds_words,
    seal_groups,
)

NOT_APPLICABLE = "—"
# As many signs of a seal as nobody can find a second sheet for by trying; all of it stands in print.
SEAL_IN_ADDRESS = 16
_NAME_MOST, _PLACE_MOST = 40, 46
_STAMPS = {
    Stage.WAITING: "waiting",
    Stage.LOOKING: "looking",
    Stage.UNREPORTED: "waiting",
    Stage.BILL_MATCHED: "matched",
    Stage.MATCHED: "matched",
}


def paper_of(day: Day, shop: str, address: str, *, portal_url: str) -> dict[str, Any]:
    """The whole statement. Amounts are yuan in print, the unit stands in the foot."""
    figures = day.row.figures
    date_words = _("%(date)s %(weekday)s，00:00–24:00（北京时间）", **_when(day))
    return {
        "lang": "en" if chosen_locale() == "en" else "zh-CN",
        "title": _("日结单"),
        "shop": _short(shop, _NAME_MOST),
        "lines": [date_words, _place(day, address)],
        "stamp": _stamp(day),
        "figures": _figures(day),
        "splits": _splits(figures),
        "paid": _paid(day),
        "late": _late(day),
        "hours": _hours(figures),
        "rebate": _rebate(figures),
        "seal": _seal(day, portal_url),
        "legend": _legend(day),
        "foot": _(
            "一码 Yima　商户号 %(number)s　日结单 %(date)s　单位：人民币元",
            number=day.row.merchant_id,
            date=day.row.day.isoformat(),
        ),
        "pages": _pages(),
    }


def _pages() -> list[str]:
    """What stands before, between and behind the two numbers in the foot."""
    before, _number, rest = _("第 {page} 页，共 {pages} 页").partition("{page}")
    between, _total, behind = rest.partition("{pages}")
    return [before, between, behind]


def _when(day: Day) -> dict[str, str]:
    return {"date": day.row.day.isoformat(), "weekday": words.weekday(day.row.day)}


def _place(day: Day, address: str) -> str:
    return f"{_('商户号 %(number)s', number=day.row.merchant_id)}　{_short(address, _PLACE_MOST)}".strip()


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _stamp(day: Day) -> dict[str, str]:
    at = day.stand.judged_at
    return {
        "kind": _STAMPS[day.stand.stage],
        "word": words.stand_words(day.stand)[1].replace("¥", ""),
        "at": moment_text(at) if at is not None and day.stand.stage is not Stage.WAITING else "",
    }


def _figures(day: Day) -> list[dict[str, str]]:
    total = day.row.figures.total
    owed = _("应到账，已全部到账") if day.stand.stage is Stage.MATCHED else _("应到账")
    return [
        {"label": received_words(total.count), "value": yuan(total.gross)},
        {"label": refunds_words(total.refund_count), "value": yuan(-total.refunds)},
        {"label": _("手续费"), "value": yuan(-total.fee)},
        {"label": owed, "value": yuan(total.owed)},
    ]


def _splits(figures: Figures) -> dict[str, Any]:
    put_aside = any(line.held + line.other for line in figures.lines)
    head = [_("收单机构"), _("付款钱包"), _("收款笔数"), _("收款金额"), _("退款笔数"), _("退款金额"), _("手续费")]
    head += [_("挂账更正")] if put_aside else []
    head += [_("应到账"), _("其中钱包立减")]
    rows = [
        [str(ACQUIRER_WORDS[line.acquirer]), str(WALLET_WORDS[line.wallet]), *_cells(line, put_aside)]
        for line in figures.lines
    ]
    total = [_("合计"), "", *_cells(figures.total, put_aside)]
    return {"title": _("按收单机构和付款钱包"), "note": "", "head": head, "rows": rows, "total": total, "words": 2}


def _cells(line: Line, put_aside: bool) -> list[str]:
    """Nothing of a kind is a dash; an amount of nothing would be 0.00."""
    refunds = (
        (str(line.refund_count), yuan(-line.refunds)) if line.refund_count or line.refunds else (NOT_APPLICABLE,) * 2
    )
    aside = line.held + line.other
    return [
        *(str(line.count), yuan(line.gross), *refunds, yuan(-line.fee)),
        *([yuan(aside) if aside else NOT_APPLICABLE] if put_aside else []),
        *(yuan(line.owed), yuan(line.discount) if line.discount else NOT_APPLICABLE),
    ]


def _paid(day: Day) -> dict[str, Any]:
    rows = [_institution(one) for one in day.institutions]
    known = [one.standing.paid for one in day.institutions]
    paid = sum(fen for fen in known if fen is not None) if known and None not in known else None
    owed = sum(one.owed for one in day.institutions)
    total = [_("合计"), yuan(owed), *(_known(paid), _known(None if paid is None else owed - paid)), "", "", ""]
    return {
        "title": _("机构应付与已付"),
        "note": _("钱由收单机构直接结到您的银行卡，不经过一码"),
        "head": [_("机构"), _("应付"), _("已付"), _("差额"), _("到账时间"), _("资金流水号"), _("机构账单")],
        "rows": rows,
        "total": total,
        "words": 1,
    }


def _institution(one: Institution) -> list[str]:
    told = one.standing
    last = told.payouts[-1] if told.payouts else None
    return [
        *(str(ACQUIRER_WORDS[one.acquirer]), yuan(one.owed)),
        yuan(told.paid) if told.paid is not None else paid_words(one),
        _known(one.short),
        moment_text(last.at)[5:] if last else NOT_APPLICABLE,
        *(last.flow_no if last else NOT_APPLICABLE, words.bill_words(one).replace("¥", "")),
    ]


def _known(fen: int | None) -> str:
    return NOT_APPLICABLE if fen is None else yuan(fen)


def _late(day: Day) -> dict[str, Any] | None:
    """What stands here for earlier days, and what was told of this day since: with the sheet it stands on."""
    rows = [
        [one.day.isoformat(), str(ACQUIRER_WORDS[line.acquirer]), words.late_words(line), yuan(line.owed)]
        for one in day.row.figures.earlier
        for line in one.lines
    ]
    note = _("封存以后才知道的，不改旧单，写在下一张上")
    head = [_("所属日期"), _("机构"), _("内容"), _("应到账")]
    total = [_("合计"), "", "", yuan(day.row.figures.earlier_total.owed)]
    if not rows:
        return None
    return {"title": _("补记以前日期"), "note": note, "head": head, "rows": rows, "total": total, "words": 3}


def _hours(figures: Figures) -> dict[str, Any] | None:
    busy = [hour for hour, gross in enumerate(figures.hours) if gross]
    if not busy:
        return None
    most = max(figures.hours)
    shown = range(busy[0], busy[-1] + 1)
    return {
        "title": _("每小时收款"),
        "note": _("元，四舍五入到元；黄色为最忙的一小时"),
        "bars": [
            {
                "hour": str(hour),
                "label": f"{(figures.hours[hour] + 50) // 100:,}" if figures.hours[hour] else "",
                # In thousandths of the highest bar.
                "height": figures.hours[hour] * 1000 // most,
                "best": figures.hours[hour] == most,
            }
            for hour in shown
        ],
    }


def _rebate(figures: Figures) -> dict[str, Any] | None:
    rebate = figures.rebate
    if not rebate.accrued and not rebate.taken_back:
        return None
    return {
        "title": _("返现"),
        "note": _("服务商另付，不在上面的金额里"),
        "head": [_("活动"), _("分享页成交"), _("本日记返现"), _("退款扣回"), _("净额")],
        "rows": [
            [
                _("分享返现"),
                count_words(rebate.count),
                *(yuan(rebate.accrued), yuan(-rebate.taken_back), yuan(rebate.kept)),
            ]
        ],
        "total": None,
        "words": 2,
    }


def _seal(day: Day, portal_url: str) -> dict[str, Any]:
    row = day.row
    path = url_for("settlement.sheet", day=row.day.isoformat())
    before = seal_groups(row.previous)[0] + " …" if row.position > 1 else _("这是第一张")
    scope = _("收款、退款、手续费、应付、返现；“已付”和印章在封存后补上")
    return {
        "title": _("封存与核对"),
        "address": f"{portal_url}{path}?seal={row.seal[:SEAL_IN_ADDRESS]}",
        "rows": [
            [_("封存时间"), [_("%(moment)s，此后永不改动", moment=moment_text(row.sealed_at))]],
            [_("封存范围"), [scope]],
            [_("本单指纹"), seal_groups(row.seal)],
            [_("前一张指纹"), [before]],
            [_("核对办法"), [_("扫左边的码，登录后页面会说指纹对不对；这是第 %(no)s 张", no=row.position)]],
        ],
    }


def _legend(day: Day) -> list[dict[str, Any]]:
    """The three stamps a sheet may carry, each with its meaning; the one it carries now stands out."""
    stage = day.stand.stage
    if stage is Stage.BILL_MATCHED:
        matched = (_("账单已对平"), _("到账还没报告"))
    else:
        matched = (_("已对平"), _("账单和到账一分不差"))
    kinds = (
        ("waiting", stage is Stage.WAITING, _("待对账"), _("已封存，等机构账单")),
        ("matched", stage in (Stage.BILL_MATCHED, Stage.MATCHED), *matched),
        ("looking", stage is Stage.LOOKING, _("在查 3.00"), _("写明在查的金额")),
    )
    return [{"kind": kind, "word": word, "text": text, "now": now} for kind, now, word, text in kinds]
