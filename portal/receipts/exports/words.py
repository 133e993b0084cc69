"""What the columns and values of a file are called, and what the pages say about it."""

from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.receipts.exports.queries import COLUMNS
from portal.receipts.exports.rules import Form, Kind, State, Subject
from portal.refunds.words import STATE_WORDS as REFUND_WORDS

SUBJECT_WORDS = {Subject.RECEIPTS: _l("收款"), Subject.REFUNDS: _l("退款")}
FORM_WORDS = {Form.XLSX: _l("Excel 表格（XLSX）"), Form.CSV: _l("CSV 文本，给记账软件用")}
# Sign and word beside an export in a list.
STATE_WORDS = {
    State.QUEUED: ("wait", _l("排队中")),
    State.RUNNING: ("wait", _l("正在做")),
    State.READY: ("done", _l("可以下载")),
    State.FAILED: ("bad", _l("没做成")),
    State.EXPIRED: ("quiet", _l("已过期")),
}
PERIOD_WORDS = {
    "backwards": _l("结束日期要在开始日期之后"),
    "future": _l("结束日期不能晚于今天"),
    "too_long": _l("一次最多导出一年，请分几次"),
}
_HEADINGS = {
    "paid_at": _l("付款时间（北京）"),
    "day_number": _l("当天第几笔"),
    "receipt_no": _l("收款单号"),
    "transaction_no": _l("钱包交易号"),
    "wallet": _l("付款钱包"),
    "acquirer": _l("收单机构"),
    "source": _l("来自"),
    "amount": _l("收款金额（元）"),
    "payer_amount": _l("顾客实付（元）"),
    "by_wallet": _l("钱包出的优惠（元）"),
    "by_merchant": _l("店里出的优惠（元）"),
    "by_others": _l("别人出的优惠（元）"),
    "fee": _l("手续费（元）"),
    "fee_returned": _l("退回的手续费（元）"),
    "refunded": _l("已退款（元）"),
    "refunding": _l("退款中（元）"),
    "net": _l("到手（元）"),
    "note": _l("备注"),
    "asked_at": _l("申请时间（北京）"),
    "arrived_at": _l("到账时间（北京）"),
    "refund_no": _l("退款单号"),
    "wallet_refund_no": _l("钱包退款单号"),
    "state": _l("状态"),
    "refund_amount": _l("退款金额（元）"),
    "to_payer": _l("退给顾客（元）"),
    "taken_back": _l("收回的优惠（元）"),
    "reason": _l("原因"),
}
_WALLETS = {"wechat": _l("微信支付"), "jdpay": _l("京东支付"), "unknown": _l("未知")}
_SOURCES = {
    "order": _l("聚合码"),
    "static_code": _l("静态码"),
    "interconnect": _l("别处的合同"),
    "suspense": _l("核实后入账"),
}


def file_words(subject: Subject) -> dict[str, dict[str, str]]:
    """Every word of the file in the language of whoever asks: the job that writes it has none."""
    return {
        "file": {"sheet": str(SUBJECT_WORDS[subject])},
        "headings": {column.name: str(_HEADINGS[column.name]) for column in COLUMNS[subject]},
        Kind.WALLET: {key: str(word) for key, word in _WALLETS.items()},
        Kind.SOURCE: {key: str(word) for key, word in _SOURCES.items()},
        Kind.STATE: {str(key): str(word) for key, (_sign, word) in REFUND_WORDS.items()},
    }


def period_words(first: date, last: date) -> str:
    """2026-11-01 至 2026-11-22."""
    return _("%(first)s 至 %(last)s", first=first.isoformat(), last=last.isoformat())


def size_words(size: int) -> str:
    """Bytes as people count them."""
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, size // 1024)} KB"
