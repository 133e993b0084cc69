"""What the console calls roles, findings, states and acts."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.identity.rules import StaffRole
from portal.merchants.rules import State
from portal.reconciliation.rules import BatchState, Difference, ItemState
from portal.reconciliation.ways import Way
from portal.staff.rules import Check, Finding
from portal.wallets.applications import ApplicationState, Document

ROLE_WORDS = {
    StaffRole.SUPPORT: _l("客服"),
    StaffRole.REVIEWER: _l("审核员"),
    StaffRole.RISK: _l("风控"),
    StaffRole.FINANCE: _l("财务"),
    StaffRole.ADMIN: _l("管理员"),
    StaffRole.AUDITOR: _l("审计员"),
}
SUBJECT_WORDS = {"individual": _l("个体工商户")}
# Those a reviewer can look at; a draft is nobody's business yet. Each with the sign beside it.
STATE_WORDS = {
    State.SUBMITTED: ("clock", _l("待审")),
    State.APPROVED: ("ok", _l("已通过")),
    State.RETURNED: ("bad", _l("已退回")),
}
DRAFT_WORDS = ("open", _l("店主在改"))
NOT_SENT = ("open", _l("未提交"))
WALLET_STATE_WORDS = {
    ApplicationState.NOT_SENT: ("open", _l("待提交")),
    ApplicationState.SENDING: ("half", _l("正在提交")),
    ApplicationState.UNKNOWN: ("half", _l("正在确认")),
    ApplicationState.AUDITING: ("half", _l("审核中")),
    ApplicationState.REJECTED: ("bad", _l("已驳回")),
    ApplicationState.TO_BE_CONFIRMED: ("clock", _l("等店主确认")),
    ApplicationState.TO_BE_SIGNED: ("clock", _l("等店主签约")),
    ApplicationState.OPENING: ("half", _l("开通中")),
    ApplicationState.FINISHED: ("ok", _l("已开通")),
    ApplicationState.CANCELED: ("bad", _l("已作废")),
}
MERCHANT_STATUS_WORDS = {
    "pending": ("open", _l("未开通")),
    "active": ("ok", _l("营业中")),
    "closed": ("bad", _l("已停用")),
}
CODE_KIND_WORDS = {
    "portal": _l("一码的码"),
    "linked_merchant": _l("关联的商户码"),
    "linked_personal": _l("关联的个人码"),
}
CODE_STATE_WORDS = {
    "printed": ("open", _l("已印制")),
    "bound": ("open", _l("已绑定")),
    "active": ("ok", _l("启用")),
    "suspended": ("pause", _l("已停用")),
    "suspect": ("warn", _l("可疑")),
    "lost": ("bad", _l("已挂失")),
    "replaced": ("open", _l("已换新")),
    "retired": ("open", _l("已作废")),
}
# On the tabs beside the picture, where there is room for two or three signs.
DOCUMENT_TABS = {
    Document.LICENCE: _l("执照"),
    Document.ID_FRONT: _l("人像面"),
    Document.ID_BACK: _l("国徽面"),
    Document.STOREFRONT: _l("门头"),
    Document.INTERIOR: _l("店内"),
}
_FINDING_WORDS = {
    Finding.LICENCE_RIGHT: _l("信用代码校验位正确"),
    Finding.LICENCE_OLD: _l("15 位老注册号，请对照执照"),
    Finding.LICENCE_WRONG: _l("信用代码校验位不对"),
    Finding.INDIVIDUAL: _l("代码以 92 开头，是个体工商户"),
    Finding.NOT_INDIVIDUAL: _l("代码看不出主体，请对照执照"),
    Finding.ID_RIGHT: _l("身份证号校验位正确"),
    Finding.ID_WRONG: _l("身份证号校验位不对"),
    Finding.ID_VALID: _l("身份证在有效期内"),
    Finding.ID_NOT_VALID: _l("身份证不在有效期内"),
    Finding.CARD_RIGHT: _l("结算账号校验位正确"),
    Finding.CARD_WRONG: _l("结算账号校验位不对"),
    Finding.HOLDER_IS_OPERATOR: _l("结算户名就是经营者姓名"),
    Finding.HOLDER_UNKNOWN: _l("没有经营者姓名，结算户名不明"),
    Finding.PICTURES_THERE: _l("5 张照片齐全"),
    Finding.PICTURES_MISSING: _l("照片不全"),
}
# What is said no to, and why, where the operation's own words are meant for the owner.
REFUSAL_WORDS = {
    "own_merchant": _l("这是您自己的店，请让别的同事处理"),
    "restricted_already": _l("这项功能已经在限制中，可能是同事刚刚限制的"),
    "not_restricted": _l("这项功能没有在限制，可能是同事刚刚解除的"),
    "item_is_over": _l("这笔差异已经有结果了，可能是同事刚刚处理的，或者又核对上了"),
    "day_closed": _l("这一天已经关账"),
    "unknown_item": _l("没有这笔差异"),
    "waits_for_second": _l("这笔差异已经有人提出处理办法，正在等第二人"),
    "no_such_way": _l("这笔差异不能这样处理"),
    "in_suspense": _l("这笔钱已经在待查款里，请在那里处理，不重复记账"),
    "nothing_to_book": _l("钱包说没有成功的款项，没有可以补记的"),
    "no_contract": _l("这家商户在这个收单机构没有对得上的合同，查不了单"),
    "proposal_is_over": _l("这个提议已经有结果了，可能是同事刚刚处理的"),
    "proposal_changed": _l("提议和您看到的不一样了，请再看一遍"),
    "second_person": _l("您是提出人，要另一位财务同意"),
    "item_changed": _l("这笔差异在提出之后变了，请退回后重新提出"),
    "does_not_fit": _l("和我方的订单对不上，没有记账，请换一种处理办法"),
    "wrong_amount": _l("和我方的退款金额对不上，没有记账"),
    "wrong_merchant": _l("不是这家商户的款项，没有记账"),
    "unknown_refund": _l("我方没有这笔退款，没有记账"),
    "not_balanced": _l("还有账单没到，或者还有差异没有处理，先不能关账"),
}
BATCH_STATE_WORDS = {
    BatchState.AWAITING_BILL: ("clock", _l("等账单")),
    BatchState.NOT_REPORTED: ("open", _l("不给账单")),
    BatchState.PARSED: ("half", _l("已解析")),
    BatchState.COMPARED: ("half", _l("已比对")),
    BatchState.BALANCED: ("ok", _l("已对平")),
    BatchState.UNBALANCED: ("warn", _l("未对平")),
    BatchState.CLOSED: ("ok", _l("已关账")),
}
BILL_ANSWER_WORDS = {
    "": _l("还没有去取"),
    "ready": _l("账单到了，校验和已核对"),
    "empty": _l("这一天没有交易"),
    "not_ready": _l("钱包还没有做好账单，半小时后再取"),
    "not_permitted": _l("这家钱包不给我们这份账单，不等，也不算对平"),
    "failed": _l("没有取到，稍后再取"),
    "unreadable": _l("账单自己对不上或者读不懂，没有采用，稍后再取"),
}
DIFFERENCE_WORDS = {
    Difference.AMOUNT: ("bad", _l("金额不符")),
    Difference.STATUS: ("half", _l("状态不符")),
    Difference.LOCAL_ONLY: ("out", _l("我方有 渠道无")),
    Difference.CHANNEL_ONLY: ("in", _l("渠道有 我方无")),
    Difference.DUPLICATE: ("warn", _l("账单行重复")),
    Difference.FEE: ("half", _l("手续费不符")),
}
# What can be done about a difference, and the line beside it.
ITEM_WAY_WORDS = {
    Way.REPOST: _l("按查单结果补记"),
    Way.HOLD: _l("挂账"),
    Way.ACCEPT: _l("以账单为准"),
    Way.IGNORE: _l("忽略"),
}
ITEM_WAY_HINTS = {
    Way.REPOST: _l("现在问一次钱包，要第二人"),
    Way.HOLD: _l("最多 7 天，到期提醒"),
    Way.ACCEPT: _l("新记分录，原账不改，要第二人"),
    Way.IGNORE: _l("必须写原因"),
}
DIFFERENCE_COLUMNS = (
    *(_l("类别"), _l("收款或退款"), _l("时间（北京）"), _l("商户号"), _l("商户"), _l("特约商户号"), _l("收单机构")),
    *(_l("付款钱包"), _l("单号"), _l("订单号"), _l("钱包单号"), _l("账单金额（元）"), _l("我方金额（元）")),
    *(_l("差额（元）"), _l("账单手续费（元）"), _l("我方手续费（元）"), _l("处理"), _l("处理人"), _l("原因")),
)
BILL_KIND_WORDS = {
    "trades": _l("交易账单"),
    "funds": _l("服务商资金账单"),
    "merchant_funds": _l("商户资金账单"),
}
ITEM_STATE_WORDS = {
    ItemState.MATCHED: ("ok", _l("又核对上了")),
    ItemState.MISMATCHED: ("open", _l("待处理")),
    ItemState.LOCAL_ONLY: ("open", _l("待处理")),
    ItemState.CHANNEL_ONLY: ("open", _l("待处理")),
    ItemState.ON_HOLD: ("pause", _l("挂账")),
    ItemState.RESOLVED: ("ok", _l("已了结")),
    ItemState.IGNORED: ("ok", _l("已忽略")),
}
# What a bill says of a line, and what we say of a payment or a refund.
SIDE_STATE_WORDS = {
    "created": _l("已下单"),
    "paying": _l("支付中"),
    "success": _l("成功"),
    "processing": _l("处理中"),
    "failed": _l("失败"),
    "closed": _l("已关闭"),
    "abnormal": _l("退款异常"),
    "requested": _l("已申请"),
    "pending_approval": _l("等店主同意"),
    "approved": _l("店主已同意"),
    "declined": _l("店主没同意"),
    "unknown": _l("正在确认"),
}
SORT_WORDS = {"payment": _l("收款"), "refund": _l("退款")}
ACQUIRER_WORDS = {"wechat": _l("微信收单"), "jdpay": _l("京东收单")}
PAYER_WALLET_WORDS = {"wechat": _l("微信支付"), "jdpay": _l("京东支付"), "unknown": _l("未知")}
SEARCH_WORDS = {
    "name": _l("按店名找"),
    "number": _l("按商户号找"),
    "phone": _l("按手机号找"),
    "code": _l("按码牌号找"),
    "payment": _l("按收款单号找"),
}


def finding_words(check: Check) -> str:
    """One automatic check in words."""
    if check.finding is Finding.ID_ENDS_SOON:
        return _("身份证 %(days)s 天后到期", days=check.days)
    return str(_FINDING_WORDS[check.finding])
