"""The road of a payment at a static WeChat code, as the drawing tells it.

With JD Finance it leads over the clearing institution; inside WeChat the same institution stands on both sides.
"""

from dataclasses import dataclass

from sandbox.language import say
from sandbox.phone.lines import ACQUIRER, CLEARING, PORTAL, WALLET, Line, clock, delivery, left_after_fee, money
from sandbox.phone.story import Run, Step
from sandbox.phone.tills import Notice
from sandbox.phone.wording import wallet_name, yuan


@dataclass(frozen=True)
class _Leg:
    start: int
    end: int
    what: str
    why: str
    step: Step | None
    amount: str = ""


def lines(wallet: str, run: Run, notice: Notice | None, fee: int | None) -> tuple[Line, ...]:
    """All rows; those not yet happened are future."""
    legs = [*_resolving(wallet, run), *_paying(wallet, run), *_telling(run, notice, fee)]
    happened = [_happened(leg, run, notice) for leg in legs]
    last = max((number for number, yes in enumerate(happened) if yes), default=-1)
    return tuple(
        Line(
            number=number + 1,
            start=leg.start,
            end=leg.end,
            what=leg.what,
            why=leg.why,
            amount=leg.amount,
            state="future" if not yes else "now" if number == last else "done",
            at=_at(leg, run),
        )
        for number, (leg, yes) in enumerate(zip(legs, happened, strict=True))
    )


def _resolving(wallet: str, run: Run) -> list[_Leg]:
    app, shop = wallet_name(wallet), run.shop or say("店家", "the shop")
    whose = say("扫码：这张码是谁的？", "Scan: whose code is this?")
    knows = say(f"{app}认出是微信码", f"{app} sees a WeChat code")
    answer = say(f"答：{shop}，可以收款", f"Answer: {shop} may be paid")
    shown = say("手机先亮店名，付款人核对", "The shop's name comes before the amount")
    if wallet == "wechat":
        return [
            _Leg(WALLET, ACQUIRER, whose, knows, Step.OPENED),
            _Leg(ACQUIRER, WALLET, answer, shown, Step.OPENED),
        ]
    return [
        _Leg(WALLET, CLEARING, whose, knows, Step.OPENED),
        _Leg(CLEARING, ACQUIRER, say("转问收单机构", "Asks the acquirer"), "", Step.OPENED),
        _Leg(ACQUIRER, WALLET, answer, shown, Step.OPENED),
    ]


def _paying(wallet: str, run: Run) -> list[_Leg]:
    if run.state == "refused":
        left = say("没有扣钱", "No money moved")
        return [_Leg(WALLET, WALLET, say("没有付成", "Not paid"), left, Step.PAID)]
    given = money(run.payer_paid)
    taken = say(f"扣付款人 {given}", f"Takes {given} from the payer") if given else say("扣付款人", "Takes the money")
    off = run.amount - run.payer_paid if run.amount is not None and run.payer_paid is not None else 0
    if off:
        taken += say(f"，立减 ¥{yuan(off)}", f", ¥{yuan(off)} off")
    who = say("立减由钱包出，不少店主一分", "The wallet pays the reduction, not the shop")
    own = say("限额和卡由钱包看", "The wallet looks at quota and card")
    over = say("按统一规则转接", "Passed on by the unified rules") if wallet == "jdpay" else ""
    return [
        _Leg(WALLET, WALLET, taken, who if off else own, Step.PAID),
        _Leg(WALLET, ACQUIRER, say("转付", "Pays the acquirer"), over, Step.PAID, money(run.amount)),
    ]


def _telling(run: Run, notice: Notice | None, fee: int | None) -> list[_Leg]:
    if run.state == "refused":
        return []
    standin = notice is not None and notice.sender == "interconnect"
    why = say("沙盒替身，生产上没有", "The stand-in: production has none") if standin else delivery(notice)
    told = say("通知店主", "Tell the shop")
    settled = money(run.amount - fee) if run.amount is not None and fee is not None else ""
    next_day = say("次日结算，直接到店主银行卡", "Next day: straight to the shop's bank card")
    return [
        _Leg(CLEARING if standin else ACQUIRER, PORTAL, told, why, Step.NOTIFIED, money(run.amount)),
        _Leg(ACQUIRER, ACQUIRER, next_day, left_after_fee(run.amount, fee), None, settled),
    ]


def _happened(leg: _Leg, run: Run, notice: Notice | None) -> bool:
    if leg.step is None:
        return False
    if leg.step is Step.NOTIFIED:
        return notice is not None and notice.state == "accepted"
    return run.told(leg.step) is not None


def _at(leg: _Leg, run: Run) -> str:
    told = run.told(leg.step) if leg.step else None
    return clock(told.at) if told else ""
