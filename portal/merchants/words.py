"""What states, functions, banks, cities and acts are called. The pages take every such word from here."""

from flask_babel import lazy_gettext as _l

from portal.merchants.rules import Function, State, Step
from portal.wallets.applications import ApplicationState, Document

STATE_WORDS = {
    State.DRAFT: _l("填写中"),
    State.SUBMITTED: _l("等一码审核"),
    State.APPROVED: _l("一码已通过"),
    State.RETURNED: _l("退回来要改"),
}
# kind of the sign beside it, the word, and what it means for the owner
WALLET_STATE_WORDS = {
    ApplicationState.NOT_SENT: ("wait", _l("准备提交"), _l("马上替您交过去，不用做什么")),
    ApplicationState.SENDING: ("wait", _l("正在提交"), _l("马上替您交过去，不用做什么")),
    ApplicationState.UNKNOWN: ("wait", _l("正在确认"), _l("交过去了，还没有回音，正在问")),
    ApplicationState.AUDITING: ("wait", _l("审核中"), _l("一般 1–3 个工作日，有结果马上告诉您")),
    ApplicationState.REJECTED: ("bad", _l("没有通过"), _l("看看原因，改好资料再交一次")),
    ApplicationState.TO_BE_CONFIRMED: ("wait", _l("等您确认"), _l("请经营者本人打开链接，确认账户")),
    ApplicationState.TO_BE_SIGNED: ("wait", _l("等您签约"), _l("请经营者本人打开链接签约，30 天内有效")),
    ApplicationState.OPENING: ("wait", _l("开通中"), _l("签约好了，一般半小时内开通")),
    ApplicationState.FINISHED: ("done", _l("已开通"), _l("可以收款")),
    ApplicationState.CANCELED: ("bad", _l("已作废"), _l("过期没有签约，请再交一次")),
}
STEP_WORDS = {
    Step.LICENCE: _l("营业执照"),
    Step.PERSON: _l("经营者身份证"),
    Step.ACCOUNT: _l("结算账户"),
    Step.SHOP: _l("门店"),
}
DOCUMENT_WORDS = {
    Document.LICENCE: _l("营业执照照片"),
    Document.ID_FRONT: _l("身份证人像面"),
    Document.ID_BACK: _l("身份证国徽面"),
    Document.STOREFRONT: _l("门头照片"),
    Document.INTERIOR: _l("店内照片"),
    Document.BANK_CARD: _l("银行卡照片"),
}
FUNCTION_WORDS = {
    Function.RECEIVE: _l("收款功能"),
    Function.REFUND: _l("退款功能"),
    Function.REBATE: _l("返现功能"),
    Function.PAYOUT: _l("返现发放功能"),
}
ROLE_WORDS = {"owner": _l("店主"), "manager": _l("店长"), "clerk": _l("店员")}
MERCHANT_STATUS_WORDS = {"pending": _l("还没开通"), "active": _l("正常收款"), "closed": _l("已注销")}
ACQUIRER_WORDS = {"wechat": _l("微信支付"), "jdpay": _l("京东支付")}
# Banks the wallets know by name, without a branch. Source: WeChat Pay partner docs 4012719997, account_bank.
BANKS = {
    "工商银行": _l("工商银行"),
    "农业银行": _l("农业银行"),
    "中国银行": _l("中国银行"),
    "建设银行": _l("建设银行"),
    "交通银行": _l("交通银行"),
    "邮政储蓄银行": _l("邮政储蓄银行"),
    "招商银行": _l("招商银行"),
    "民生银行": _l("民生银行"),
    "中信银行": _l("中信银行"),
    "浦发银行": _l("浦发银行"),
    "兴业银行": _l("兴业银行"),
    "光大银行": _l("光大银行"),
    "广发银行": _l("广发银行"),
    "平安银行": _l("平安银行"),
    "华夏银行": _l("华夏银行"),
    "北京银行": _l("北京银行"),
    "宁波银行": _l("宁波银行"),
}
# Division codes of GB/T 2260, to the city, as the wallets want them.
CITIES = {
    "110100": _l("北京市"),
    "120100": _l("天津市"),
    "310100": _l("上海市"),
    "500100": _l("重庆市"),
    "130100": _l("石家庄市"),
    "140100": _l("太原市"),
    "150100": _l("呼和浩特市"),
    "210100": _l("沈阳市"),
    "210200": _l("大连市"),
    "220100": _l("长春市"),
    "230100": _l("哈尔滨市"),
    "320100": _l("南京市"),
    "320200": _l("无锡市"),
    "320500": _l("苏州市"),
    "330100": _l("杭州市"),
    "330200": _l("宁波市"),
    "330300": _l("温州市"),
    "330700": _l("金华市"),
    "340100": _l("合肥市"),
    "350100": _l("福州市"),
    "350200": _l("厦门市"),
    "350500": _l("泉州市"),
    "360100": _l("南昌市"),
    "370100": _l("济南市"),
    "370200": _l("青岛市"),
    "410100": _l("郑州市"),
    "420100": _l("武汉市"),
    "430100": _l("长沙市"),
    "440100": _l("广州市"),
    "440300": _l("深圳市"),
    "440600": _l("佛山市"),
    "441900": _l("东莞市"),
    "450100": _l("南宁市"),
    "460100": _l("海口市"),
    "510100": _l("成都市"),
    "520100": _l("贵阳市"),
    "530100": _l("昆明市"),
    "540100": _l("拉萨市"),
    "610100": _l("西安市"),
    "620100": _l("兰州市"),
    "630100": _l("西宁市"),
    "640100": _l("银川市"),
    "650100": _l("乌鲁木齐市"),
}
# Why an operation said no, in the user's words.
REFUSAL_WORDS = {
    "open_already": _l("您有一份申请正在办，办完才能再开始一份"),
    "nothing_to_apply_for": _l("两个钱包都没有退回您的申请，不用再交"),
    "not_editable": _l("申请已经提交，现在不能改"),
    "incomplete": _l("资料还没填完，填完才能提交"),
    "returned_step": _l("退回来的地方还没有改，改好才能提交"),
    "rates_changed": _l("费率刚刚有变，请再看一遍再提交"),
    "picture_large": _l("照片太大，请换一张 5 MB 以内的"),
    "picture_small": _l("照片太小，字看不清，请重新拍一张"),
    "picture_unreadable": _l("这个文件不是照片，请选 JPEG 或 PNG 图片"),
}
# What is written in the record of acts, for the owner to read.
ACT_WORDS = {
    "merchant.registered": _l("注册了一码"),
    "merchant.viewed": _l("看了您的资料"),
    "application.viewed": _l("看了您的开通资料"),
    "document.viewed": _l("看了您的证件照片"),
    "application.submitted": _l("提交了开通申请"),
    "application.approved": _l("通过了开通申请"),
    "application.returned": _l("退回了开通申请"),
    "contract.opened": _l("开通了收款"),
    "restriction.placed": _l("暂停了一项功能"),
    "restriction.lifted": _l("恢复了一项功能"),
    "code.opened": _l("新建了收款码"),
    "code.linked": _l("关联了收款码"),
    "code.printed": _l("下载了收款码"),
    "code.active": _l("启用了收款码"),
    "code.suspended": _l("停用了收款码"),
    "code.suspect": _l("把收款码标为有疑点"),
    "code.lost": _l("挂失了收款码"),
    "code.replaced": _l("换了新的收款码"),
    "code.retired": _l("作废了收款码"),
    "refund.requested": _l("申请了退款"),
    "refund.approved": _l("同意了店员的退款"),
    "refund.declined": _l("没有同意店员的退款"),
    "refund.limit_set": _l("改了店员退款限额"),
    "receipts.exported": _l("导出了账单"),
}
OTHER_ACT = _l("做了一项操作")
