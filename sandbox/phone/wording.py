"""Sentences that more than one of the phone's pages say, in the page's language."""

from sandbox.language import language, say
from sandbox.payers.accounts import BALANCE, BALANCE_NAMES, BANKS, Account, Card
from sandbox.payers.money import CannotPay
from sandbox.phone.codes import Kind
from sandbox.phone.reading import Unreadable


def wallet_name(wallet: str) -> str:
    """The app people open."""
    return say("微信", "WeChat") if wallet == "wechat" else say("京东金融", "JD Finance")


def acquirer_name(wallet: str) -> str:
    """Whose contract receives the money when this wallet pays a portal code."""
    return say("微信支付", "WeChat Pay") if wallet == "wechat" else say("京东支付", "JD Pay")


def kind_name(kind: str) -> str:
    """What was scanned."""
    names = {
        Kind.PORTAL: say("一码码牌", "Yima plate"),
        Kind.WECHAT_PERSONAL: say("微信个人收款码", "a WeChat personal code"),
        Kind.WECHAT_MERCHANT: say("微信商家收款码", "a WeChat merchant code"),
        Kind.WECHAT_ORDER: say("微信订单码", "a WeChat order code"),
        Kind.ALIPAY: say("支付宝的码", "an Alipay code"),
        Kind.UNIONPAY: say("云闪付的码", "a UnionPay code"),
        Kind.ADDRESS: say("别家的网址", "somebody else's address"),
        Kind.TEXT: say("一段文字", "plain text"),
    }
    return names[Kind(kind)]


def unreadable(problem: Unreadable) -> str:
    """Why nothing was scanned, and what to do."""
    reasons = {
        "empty": say("文件是空的，请换一个。", "The file is empty. Choose another."),
        "large": say("文件太大，最多 20 MB。", "The file is too large: at most 20 MB."),
        "kind": say("打不开这个文件。请用图片或 PDF。", "This file cannot be opened. Use a picture or a PDF."),
        "none": say(
            "没有找到二维码。请让整张码在画面里，四周留一点白。",
            "No QR code found. Show the whole code with a little white around it.",
        ),
        "several": say(
            "画面里有不止一张码，请只留一张。", "There is more than one code in the picture. Leave only one."
        ),
    }
    return reasons[problem.reason]


def said(problem: CannotPay) -> str:
    """Why the wallet does not pay."""
    return say(str(problem), problem.english)


def card_name(card: Card) -> str:
    """A card as its holder calls it."""
    return say(card.name, card.english)


def bank_name(bank: str) -> str:
    """A bank."""
    return say(BANKS[bank], bank)


def source_name(holder: Account, source: str = "") -> str:
    """The source that pays, or another one of the same account."""
    chosen = source or holder.source
    return balance_name(holder.wallet) if chosen == BALANCE else card_name(holder.card(chosen))


def balance_name(wallet: str) -> str:
    """What a wallet calls its balance."""
    return say(BALANCE_NAMES[wallet], "Balance")


def reduction_name(name: str, funder: str = "wallet") -> str:
    """A reduction as the wallet named it, in English by who pays it."""
    english = {"wallet": "Instant reduction", "merchant": "Reduction by the shop"}
    return name if language() == "zh" else english.get(funder, "Reduction")


def deed_name(deed: str) -> str:
    """What JD's subsidies are granted for."""
    return {
        "shortcut": say("把“扫一扫”添加到桌面", "Add the scanner to the desktop"),
        "pay_scan": say("从首页“扫一扫”付一笔", "Pay once from the scan button"),
        "pay_activity": say("从活动页付一笔", "Pay once from the activity page"),
        "pay_shortcut": say("从桌面快捷方式付一笔", "Pay once from the desktop shortcut"),
        "share": say("分享给好友", "Share with friends"),
    }[deed]


def yuan(fen: int | None) -> str:
    """`1234` as `12.34`; a minus as U+2212."""
    if fen is None:
        return ""
    sign = "\u2212" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
