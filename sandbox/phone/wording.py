"""Sentences that more than one of the phone's pages say, in the page's language."""

from sandbox.language import say
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
        Kind.WECHAT_PERSONAL: say("微信个人收款码", "WeChat personal code"),
        Kind.WECHAT_MERCHANT: say("微信商家收款码", "WeChat merchant code"),
        Kind.WECHAT_ORDER: say("微信订单码", "WeChat order code"),
        Kind.ALIPAY: say("支付宝的码", "Alipay code"),
        Kind.UNIONPAY: say("云闪付的码", "UnionPay code"),
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


def yuan(fen: int | None) -> str:
    """`1234` as `12.34`; a minus as U+2212."""
    if fen is None:
        return ""
    sign = "\u2212" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
