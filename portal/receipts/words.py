"""What receipts are called in lists and stories."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.payments.queries import PaymentRow
from portal.plumbing.pages import yuan
from portal.receipts.rules import Filter, Standing, standing
from portal.refunds.words import WALLET_WORDS

FILTER_WORDS = {
    Filter.ALL: _l("全部"),
    Filter.WECHAT: _l("微信支付"),
    Filter.JDPAY: _l("京东支付"),
    Filter.REFUNDED: _l("有退款"),
}


def wallet_word(wallet: str) -> str:
    """The wallet's name inside a sentence."""
    return str(WALLET_WORDS.get(wallet, WALLET_WORDS["unknown"]))


def money_words(fen: int) -> str:
    """`1200` fen as ¥12.00, for sentences."""
    return f"{'−' if fen < 0 else ''}¥{yuan(abs(fen))}"


def count_words(count: int) -> str:
    """37 笔; English tells one from many."""
    return _("1 笔") if count == 1 else _("%(count)s 笔", count=count)


def standing_words(row: PaymentRow, open_refund: str | None) -> tuple[str, str]:
    """Sign and word beside a receipt in a list; a plain receipt carries none."""
    kind = standing(
        amount=row.amount, refunded=row.refunded, refund_reserved=row.refund_reserved, open_refund=open_refund
    )
    words = {
        Standing.RECEIVED: ("", ""),
        Standing.NEEDS_APPROVAL: ("wait", _("待同意")),
        Standing.REFUNDING: ("wait", _("退款中")),
        Standing.STUCK: ("bad", _("退款卡住")),
        Standing.PARTLY_REFUNDED: ("refunded", _("已退 %(amount)s", amount=money_words(row.refunded))),
        Standing.FULLY_REFUNDED: ("refunded", _("已全额退")),
    }
    return words[kind]
