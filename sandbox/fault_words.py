"""What people call the faults: a short name and one line on what happens, in Chinese and English."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One fault."""

    name: str
    zh: str
    en: str
    zh_line: str
    en_line: str


@dataclass(frozen=True)
class Group:
    """Faults of one place, and what the number field means for them."""

    key: str
    zh: str
    en: str
    zh_number: str
    en_number: str
    words: tuple[Words, ...]


CALLS = Group(
    "calls",
    "接口调用",
    "Calls",
    "订单号或退款号",
    "an order or refund number",
    (
        Words("refuse", "拒绝", "Refuse", "明确说不，什么也没做。", "A final no; nothing is done."),
        Words(
            "system_error",
            "系统错误",
            "System error",
            "回系统错误，什么也没做，可以原样再问。",
            "Answers a system error; nothing is done, the same call may be repeated.",
        ),
        Words(
            "accept_then_time_out",
            "办成了却不回",
            "Done, then silent",
            "事情办了，回答压住不发，直到对方等不及。",
            "The act is committed; the answer is held until the client gives up.",
        ),
        Words(
            "never_answer",
            "没办也不回",
            "Never answer",
            "什么也没做，压到对方等不及，再断掉。",
            "Nothing is done; the call is held until the client gives up.",
        ),
        Words(
            "bad_answer_signature",
            "回答的签名不对",
            "Answer badly signed",
            "事情办了，回答里的签名错一个字符。",
            "The act is done; one sign of the answer's signature is wrong.",
        ),
    ),
)
NOTICES = Group(
    "notices",
    "通知",
    "Notices",
    "订单号或退款号",
    "an order or refund number",
    (
        Words("notify_never", "永远不发", "Never", "写进发件箱，但一次也不发。", "Written to the outbox, never sent."),
        Words("notify_twice", "发两遍", "Twice", "同一封通知同时发两遍。", "The same notice is sent twice, at once."),
        Words(
            "notify_late",
            "迟到",
            "Late",
            "晚若干秒才发，按沙盒时钟算。",
            "Sent some seconds late, by the sandbox clock.",
        ),
        Words(
            "notify_out_of_order",
            "前后颠倒",
            "Out of order",
            "付款通知等同一单的退款通知先到；等不到，过了这些秒也发。对着退款布置：退款通知之后，旧的付款通知再来一次。",
            "A payment's notice waits until a refund's has arrived, or for so many seconds. Armed for a refund: the old"
            " payment notice comes once more after it.",
        ),
        Words(
            "notify_before_response",
            "比回答先到",
            "Before the answer",
            "付款或退款的回答，等通知先送到，最多两秒。",
            "The answer to the payment or refund waits until its notice was delivered, two seconds at most.",
        ),
        Words(
            "notify_bad_signature",
            "签名不对",
            "Badly signed",
            "这一次的签名错一个字符，下一次重发是对的。",
            "One sign of this delivery's signature is wrong; the next delivery is right.",
        ),
        Words(
            "notify_wrong_amount",
            "金额不对",
            "Wrong amount",
            "签名是对的，金额多一分。",
            "Rightly signed, one fen too much.",
        ),
        Words(
            "notify_signtest",
            "签名探测",
            "Signature probe",
            "先发一个 WECHATPAY/SIGNTEST/ 假签名，再按阶梯发真的。",
            "First a WECHATPAY/SIGNTEST/ signature, then the true one after the usual wait.",
        ),
    ),
)
REFUNDS = Group(
    "refunds",
    "退款",
    "Refunds",
    "退款号",
    "a refund number",
    (
        Words(
            "refund_abnormal",
            "退款异常",
            "Refund abnormal",
            "受理了，但付款人的卡和零钱都收不了，钱停在半路。",
            "Accepted, but the payer's card and balance cannot take it; the money waits.",
        ),
        Words(
            "refund_closed",
            "退款关闭",
            "Refund closed",
            "受理了，最后关闭；这个退款号作废。",
            "Accepted, closed in the end; this refund number is spent.",
        ),
        Words(
            "not_enough",
            "余额不足",
            "Not enough",
            "商户余额不够，不受理。",
            "The merchant's balance is short; not accepted.",
        ),
    ),
)
BILLS = Group(
    "bills",
    "账单",
    "Bills",
    "账单日，如 2026-11-21",
    "a day such as 2026-11-21",
    (
        Words("bill_missing_line", "少一行", "Missing line", "账单里少一笔。", "One entry is left out."),
        Words(
            "bill_changed_amount", "改一个数", "Changed amount", "账单里有一笔多一分。", "One entry has a fen too much."
        ),
        Words(
            "bill_duplicate_line", "重复一行", "Duplicate line", "账单里有一笔出现两次。", "One entry is there twice."
        ),
        Words(
            "bill_wrong_summary",
            "汇总不对",
            "Wrong summary",
            "明细对，最后的汇总行不对。",
            "The lines are right, the summary is not.",
        ),
        Words(
            "bill_missing",
            "没有账单",
            "No bill",
            "到点了也说账单还没好。",
            "Past its hour the bill is still not ready.",
        ),
    ),
)
GROUPS = (CALLS, NOTICES, REFUNDS, BILLS)
BY_NAME = {words.name: words for group in GROUPS for words in group.words}
INSTITUTIONS = {
    "wechat": ("微信支付", "WeChat Pay"),
    "jd": ("京东支付", "JD Pay"),
    "interconnect": ("清算机构", "Clearing house"),
}
OPERATIONS = {
    "order": ("下单", "Order"),
    "query": ("查单", "Query"),
    "refund": ("退款", "Refund"),
    "refund_query": ("查退款", "Refund query"),
    "close": ("关单", "Close"),
    "bill": ("账单", "Bill"),
    "transfer": ("转账", "Transfer"),
}
