"""What a refund's states are called, and why one cannot be asked for. The pages take these words from here."""

from flask_babel import lazy_gettext as _l

from portal.refunds.rules import State

# Sign beside it, and the word in a list.
STATE_WORDS = {
    State.REQUESTED: ("wait", _l("正在提交")),
    State.PENDING_APPROVAL: ("wait", _l("待同意")),
    State.APPROVED: ("wait", _l("正在提交")),
    State.DECLINED: ("quiet", _l("没有同意")),
    State.PROCESSING: ("wait", _l("退款中")),
    State.UNKNOWN: ("wait", _l("正在确认")),
    State.SUCCESS: ("refunded", _l("已退")),
    State.ABNORMAL: ("bad", _l("卡住了")),
    State.CLOSED: ("bad", _l("没退成")),
}
# By the reason of the rule that says no.
REFUSAL_WORDS = {
    "not_paid": _l("这笔还没有收到钱，不能退"),
    "not_ours": _l("这笔不在您和一码的合同里，没有公开接口能退。请在原来收款的地方退给顾客"),
    "too_old": _l("付款超过 365 天，钱包不再受理退款。请和顾客商量别的办法"),
    "too_many_parts": _l("这笔已经分 50 次退过，钱包不再受理"),
    "nothing_left": _l("这笔已经没有可退的了"),
    "form_used": _l("这一页已经提交过别的金额，请从收款重新打开退款"),
}
# Why nothing can be agreed to any more; what remains is to say no.
DECISION_WORDS = {
    "restricted": _l("退款功能暂停了，恢复以后再同意"),
    "too_old": _l("付款超过 365 天，钱包不再受理退款。只能不同意，和顾客商量别的办法"),
    "too_many_parts": _l("这笔已经分 50 次退过，钱包不再受理。只能不同意"),
}
AMOUNT_WORDS = {
    "missing": _l("请填退款金额"),
    "not_a_number": _l("金额只能是数字，像 12.50"),
    "too_precise": _l("金额最多两位小数，像 12.50"),
    "zero": _l("金额要大于 0"),
}
# A wallet inside a sentence, and as the one who gives a discount.
WALLET_WORDS = {"wechat": _l("微信支付"), "jdpay": _l("京东支付"), "unknown": _l("付款账户")}
GIVER_WORDS = {"wechat": _l("微信"), "jdpay": _l("京东"), "unknown": _l("钱包")}
