"""The story of a payment as the page beside the phone draws it: four lanes, numbered steps, past and to come."""

from dataclasses import dataclass

from sandbox.language import say
from sandbox.phone import static_road, story, tills
from sandbox.phone.codes import Kind
from sandbox.phone.lines import ACQUIRER, PORTAL, WALLET, Line, clock, delivery, left_after_fee, money
from sandbox.phone.story import Run, Step
from sandbox.phone.tills import Connection
from sandbox.phone.wording import acquirer_name, kind_name, wallet_name, yuan

_WAYS = {
    Step.OPENED: (WALLET, PORTAL),
    Step.ASKED: (WALLET, PORTAL),
    Step.KNOWN: (ACQUIRER, PORTAL),
    Step.ORDERED: (PORTAL, ACQUIRER),
    Step.SHEET: (ACQUIRER, WALLET),
    Step.PAID: (WALLET, ACQUIRER),
    Step.NOTIFIED: (ACQUIRER, PORTAL),
    Step.SETTLED: (ACQUIRER, ACQUIRER),
}
STATIC = (Kind.WECHAT_MERCHANT, Kind.WECHAT_PERSONAL)
_WITHOUT = {"wechat": (), "jdpay": (Step.KNOWN,)}


@dataclass(frozen=True)
class Drawing:
    """Everything the steps side shows. Amounts as text; empty while unknown."""

    title: str
    lead: str
    wallet: str
    acquirer: str
    clearing: str
    shop: str
    lines: tuple[Line, ...]
    done: int
    given: str
    received: str
    fee: str
    total: str
    reduction: str
    problem: str


def draw(connection: Connection, phone: str, wallet: str) -> Drawing:
    """The last run of this phone, as far as it has come; without one, the road ahead."""
    run = story.latest(connection, phone)
    if run is not None and run.wallet != wallet:
        run = None
    notice, fee = _told_and_taken(connection, wallet, run)
    static = run is not None and run.kind in STATIC and bool(run.shop)
    lines = static_road.lines(wallet, run, notice, fee) if run and static else _lines(wallet, run, notice, fee)
    off = run.amount - run.payer_paid if run and run.amount is not None and run.payer_paid is not None else 0
    return Drawing(
        title=_title(run),
        lead=_lead(wallet, run),
        wallet=wallet_name(wallet),
        acquirer=acquirer_name("wechat" if static else wallet),
        clearing=_clearing(wallet, static),
        shop=run.shop if run and run.shop else say("店主的账本", "the shop's ledger"),
        lines=lines,
        done=sum(line.state != "future" for line in lines),
        given=money(run.payer_paid) if run else "",
        received=money(run.amount - fee) if run and run.amount is not None and fee is not None else "",
        fee=money(fee),
        total=money(run.amount) if run else "",
        reduction=money(off) if off else "",
        problem=_problem(run),
    )


def _told_and_taken(connection: Connection, wallet: str, run: Run | None) -> tuple[tills.Notice | None, int | None]:
    """The notice of a paid run, and the acquirer's fee."""
    if run is None or run.state != "paid":
        return None, None
    static = run.kind in STATIC
    return (
        tills.notice(connection, wallet=wallet, number=run.order, static=static),
        tills.fee(connection, wallet="wechat" if static else wallet, number=run.order),
    )


def _clearing(wallet: str, static: bool) -> str:
    """What the clearing institution has to do with it; empty where nothing goes over it."""
    return say("沙盒替身 interconnect", "stand-in: interconnect") if static and wallet == "jdpay" else ""


def _lines(wallet: str, run: Run | None, notice: tills.Notice | None, fee: int | None) -> tuple[Line, ...]:
    kinds = [step for step in _WAYS if step not in _WITHOUT[wallet] and _fits(step, run)]
    happened = [_happened(step, run, notice) for step in kinds]
    last = max((number for number, yes in enumerate(happened) if yes), default=-1)
    lines = []
    for number, (step, yes) in enumerate(zip(kinds, happened, strict=True)):
        start, end = _WAYS[step]
        if step is Step.PAID and run and run.state == "refused":
            end = start
        told = run.told(step) if run else None
        lines.append(
            Line(
                number=number + 1,
                start=start,
                end=end,
                what=_what(step, wallet, run),
                why=_why(step, wallet, run, notice, fee),
                amount=_amount(step, run, fee),
                state="future" if not yes else "now" if number == last else "done",
                at=clock(told.at) if told else "",
            )
        )
    return tuple(lines)


def _fits(step: Step, run: Run | None) -> bool:
    """A run that went another way has no such step: a Native code opens no page, a foreign code nothing at all."""
    if run is None or run.kind == Kind.PORTAL:
        return True
    if run.kind == Kind.WECHAT_ORDER:
        return step not in (Step.OPENED, Step.ASKED, Step.KNOWN)
    return False


def _happened(step: Step, run: Run | None, notice: tills.Notice | None) -> bool:
    if run is None:
        return False
    if step is Step.NOTIFIED:
        return notice is not None and notice.state == "accepted"
    if run.state == "refused" and step in (Step.NOTIFIED, Step.SETTLED):
        return False
    return run.told(step) is not None


def _amount(step: Step, run: Run | None, fee: int | None) -> str:
    if run is None:
        return ""
    if step is Step.NOTIFIED and run.state == "paid":
        return money(run.amount)
    if step is Step.SETTLED:
        return money(run.amount - fee) if run.amount is not None and fee is not None else ""
    told = run.told(step)
    return money(told.amount) if told and step in (Step.ASKED, Step.PAID) else ""


def _what(step: Step, wallet: str, run: Run | None) -> str:
    refused = run is not None and run.state == "refused"
    return {
        Step.OPENED: say("扫码，打开付款页", "Scan, open the pay page"),
        Step.ASKED: say("填好金额，提交", "Type the amount, post it"),
        Step.KNOWN: say("这位付款人是谁", "Who this payer is"),
        Step.ORDERED: say("向收单机构下单", "Order at the acquirer"),
        Step.SHEET: say("亮出店名和金额，请付款人确认", "Show shop and amount to the payer"),
        Step.PAID: say("付款人取消了", "The payer cancelled") if refused else say("确认付款", "Confirm and pay"),
        Step.NOTIFIED: say("通知店主", "Tell the shop"),
        Step.SETTLED: say("次日结算，直接到店主银行卡", "Next day: straight to the shop's bank card"),
    }[step]


def _why(step: Step, wallet: str, run: Run | None, notice: tills.Notice | None, fee: int | None) -> str:
    shop = run.shop if run else ""
    if step is Step.OPENED:
        return say(f"门户答：{shop}", f"Portal: {shop}") if shop else say("门户亮出店名", "Shows the shop's name")
    if step is Step.ORDERED:
        signed = say("带签名，领回 prepay_id", "Signed; answer: prepay_id")
        return signed if wallet == "wechat" else say("加密加签，领回收银台", "Sealed; answer: the cashier")
    if step is Step.SHEET and wallet == "wechat":
        return say("先验页面的 paySign", "Checks the page's paySign first")
    if step is Step.PAID:
        left = say("没有扣钱", "No money moved")
        return left if run and run.state == "refused" else say("钱从付款人到收单机构", "From payer to acquirer")
    if step is Step.NOTIFIED:
        return delivery(notice)
    if step is Step.SETTLED:
        return left_after_fee(run.amount if run else None, fee)
    return {
        Step.ASKED: say("订单只建一次，连点也安全", "One order, however often tapped"),
        Step.KNOWN: say("网页授权，只给 openid", "Web authorisation: only an openid"),
        Step.SHEET: say("京东的收银台页面", "JD's cashier page"),
    }[step]


def _title(run: Run | None) -> str:
    if run is None:
        return say("同一张码，两个钱包都能付", "One code, both wallets can pay")
    name = run.shop or kind_name(run.kind)
    if run.state == "paid":
        return say(f"{name}收到 ¥{yuan(run.amount)}", f"{name} receives ¥{yuan(run.amount)}")
    if run.state == "refused":
        return say(f"没有付给{name}", f"{name} was not paid")
    return say(f"正在付给{name}", f"Paying {name}") if run.shop else say(f"扫到{name}", f"Scanned: {name}")


def _lead(wallet: str, run: Run | None) -> str:
    if run is None:
        return say(
            "左边选钱包，再扫一张码牌。每一步谁做了什么、钱到了哪里，都写在这里。",
            "Choose a wallet on the left and scan a plate. Who does what, and where the money is, appears here.",
        )
    if _problem(run):
        return say("只有一码的码牌能在这里走完全程。", "Only Yima's plates can go the whole way here.")
    app, acquirer = wallet_name(wallet), acquirer_name(wallet)
    if run.kind in STATIC and wallet == "jdpay":
        return say(
            "京东金融扫了微信的码：钱由京东扣，经清算机构，到微信收单，再告诉店主。",
            "JD Finance scanned a WeChat code: JD takes the money, over the clearing house WeChat is the acquirer.",
        )
    if run.kind in STATIC:
        return say(
            "微信扫了微信的码：两边是同一家机构，不经清算机构。",
            "WeChat scanned a WeChat code: one institution on both sides, no clearing house.",
        )
    return say(
        f"{app}扫了一码码牌：钱由{acquirer}收单，再告诉店主。",
        f"{app} scanned a Yima plate: {acquirer} is the acquirer and tells the shop.",
    )


def _problem(run: Run | None) -> str:
    if run is None or run.kind in (Kind.PORTAL, Kind.WECHAT_ORDER) or (run.kind in STATIC and run.shop):
        return ""
    name = kind_name(run.kind)
    return say(
        f"扫到的是{name}，不是一码码牌：{run.text[:80]}。这部手机打不开它。",
        f"This is {name}, not a Yima plate: {run.text[:80]}. This phone cannot open it.",
    )
