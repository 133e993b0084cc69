"""What the console calls money that was put aside: why, how its case stands, what can be done and why not."""

from flask_babel import lazy_gettext as _l

from portal.suspense.rules import State, Way

# Why it was put aside: in short for the list, and what differs in a sentence.
REASON_WORDS = {
    "wrong_amount": (_l("金额不符"), _l("钱包收到的金额和订单的金额不一样，订单没有记作已付。")),
    "wrong_currency": (_l("币种不符"), _l("钱包说的不是人民币，账本只记人民币，没有入账。")),
    "wrong_merchant": (_l("商户不符"), _l("钱进了另一个特约商户号，不是下单时的那一个。")),
    "other_merchants_number": (_l("别家的单号"), _l("单号是另一家商户的订单，钱却进了这家商户的合同。")),
    "not_our_number": (_l("不是我们的单号"), _l("单号不是我们发出的，钱进了这家商户的合同。")),
    "unknown_order": (_l("没有这张订单"), _l("单号是我们的样子，但是没有这张订单。")),
    "second_payment": (_l("同一单付了两次"), _l("这张订单已经由另一笔交易付过，这是第二笔。")),
}
_OTHER = (_l("对不上"), _l("这笔钱对不上任何订单。"))
STATE_WORDS = {
    State.OPEN: ("open", _l("待处理")),
    State.PROPOSED: ("clock", _l("等第二人")),
    State.RETURNING: ("half", _l("自动退回中")),
    State.RETURNED: ("ok", _l("已自动退回")),
    State.BOOKED: ("ok", _l("后来对上了")),
    State.RELEASED: ("ok", _l("已入账")),
    State.GIVEN_BACK: ("ok", _l("已转退款")),
    State.IGNORED: ("ok", _l("已忽略")),
}
WAY_WORDS = {
    Way.RELEASE: _l("入账给商户"),
    Way.GIVE_BACK: _l("退给付款人"),
    Way.IGNORE: _l("忽略"),
}
APPROVE_WORDS = {
    Way.RELEASE: _l("同意入账"),
    Way.GIVE_BACK: _l("同意退回"),
    Way.IGNORE: _l("同意忽略"),
}
REFUSAL_WORDS = {
    "own_merchant": _l("这是您自己的店，请让别的同事处理"),
    "unknown_case": _l("没有这笔待查款"),
    "case_is_over": _l("这笔钱已经有结果了，或者提议刚刚变了，请看最新的样子"),
    "own_proposal": _l("提议是您自己提的，要由另一位同事同意"),
    "changed_meanwhile": _l("内容和您看到的不一样了，什么都没有动，请重新核对"),
    "ask_first": _l("请先查单：没有问过钱包的钱，不入账，不退，也不忽略"),
    "money_is_there": _l("钱包说这笔钱在，不能忽略，只能入账或者退回"),
    "not_confirmed": _l("钱包查单不认这笔交易，不能入账也不能退"),
    "foreign_money": _l("不是人民币，账本里没有这笔钱，只能写明原因后忽略"),
    "refund_restricted": _l("这家商户的退款功能在限制中，先解除限制才能退"),
    "by_hand": _l("这家钱包只认订单号，退这一笔可能退成另一笔，请入账，或者到钱包的商户后台手工退"),
    "other_contract": _l("这家商户现在没有这个特约商户号，不能入账"),
    "booked_already": _l("这笔交易已经记成一笔收款"),
    "target_does_not_fit": _l("这张订单不能收下这笔钱：要是这家商户的未付订单，钱包、商户号和金额都一样"),
    "nothing_to_ask": _l("通知里没有单号，没有办法查单"),
}
SAID_WORDS = {
    "success": ("ok", _l("支付成功")),
    "unpaid": ("bad", _l("没有支付")),
    "paying": ("half", _l("支付中")),
    "closed": ("bad", _l("已关闭")),
    "failed": ("bad", _l("支付失败")),
    "refused": ("bad", _l("钱包说没有这张单")),
}
NO_ANSWER = _l("钱包没有回答，稍后再查；什么都没有动")


def reason_words(reason: str) -> tuple[object, object]:
    """Why it was put aside, in short and in a sentence."""
    return REASON_WORDS.get(reason, _OTHER)
