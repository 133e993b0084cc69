"""What each state is called in Chinese and what it means, for docs/states.md. The first of a list is the beginning."""

Words = dict[str, tuple[str, str]]

APPLICATION: Words = {
    "draft": ("草稿", "being filled in by the owner, kept step by step"),
    "submitted": ("已提交", "handed in with the fee rates the owner saw; answers can no longer change"),
    "approved": ("已通过", "approved by staff, never of their own shop; sent to each wallet that is not open yet"),
    "returned": ("已退回", "sent back with a reason; the owner's first change makes it a draft again"),
}
WALLET_APPLICATION: Words = {
    "not_sent": ("未发出", "waits for the worker, or nothing went out"),
    "sending": ("发送中", "the intent is committed, the call is under way; also a step of several that is done"),
    "unknown": ("待确认", "sent, no answer: asked about before it is sent again under the same number"),
    "auditing": ("审核中", "the wallet is looking at it"),
    "to_be_confirmed": ("待账户验证", "the owner confirms his account"),
    "to_be_signed": ("待签约", "the owner signs"),
    "opening": ("开通中", "the wallet is opening the permissions"),
    "rejected": ("被驳回", "with the wallet's reasons; another application goes out under the same number"),
    "finished": ("已开通", "a sub-merchant number is there: this wallet can be received"),
    "canceled": ("已作废", "lapsed; another application gets a new number"),
}
WALLET_USUAL = (
    "not_sent",
    "sending",
    "auditing",
    "to_be_confirmed",
    "to_be_signed",
    "opening",
    "finished",
)
PAYMENT: Words = {
    "created": ("已下单", "the order is written, no wallet has heard of it"),
    "paying": ("支付中", "the wallet has been asked to open it"),
    "success": ("已收款", "paid, booked in the ledger; never left"),
    "closed": ("已关闭", "not paid in time and closed at the wallet; a late payment opens it again"),
    "failed": ("失败", "the wallet says so and has closed it; a late payment opens it again"),
}
REFUND: Words = {
    "requested": ("已申请", "the amount is set aside, the wallet is about to be asked"),
    "pending_approval": ("待同意", "a clerk's, above his limit: set aside until the owner agrees"),
    "approved": ("已同意", "agreed to, the wallet is about to be asked"),
    "declined": ("不同意", "not agreed to, nothing was asked; the amount is free again"),
    "processing": ("退款中", "the wallet has accepted it; it has not arrived"),
    "unknown": ("待确认", "asked, and nobody knows what the wallet did: the amount stays set aside"),
    "success": ("已到账", "the wallet says it has arrived"),
    "abnormal": (
        "异常",
        "the wallet could not pay it back (a closed card, say); it can go to the merchant's bank account",
    ),
    "closed": (
        "已关闭",
        "came to nothing or was refused: the amount is free; booked again if it arrives after all",
    ),
}
CODE: Words = {
    "printed": ("已印", "a plate that belongs to no shop yet"),
    "bound": ("已绑定", "belongs to a shop, not yet in use"),
    "active": ("使用中", "can be paid"),
    "suspended": ("已停用", "by the owner or staff, can be used again"),
    "suspect": ("存疑", "something is wrong with it; not payable"),
    "lost": ("已挂失", "gone, not payable"),
    "replaced": ("已更换", "another plate hangs in its place"),
    "retired": ("已报废", "out of use for good"),
}
BILL: Words = {
    "awaiting_bill": ("等账单", "asked for, or about to be; also one that could not be believed"),
    "not_reported": ("不给账单", "the wallet does not give us this bill: named as such, waited for by nobody"),
    "parsed": ("已解析", "read to its very end, its own sums right"),
    "compared": ("已比对", "joined with our books, every difference written down"),
    "balanced": ("已对平", "nothing is open"),
    "unbalanced": ("未对平", "something is open; looked at again every night"),
    "closed": ("已关账", "closed by staff: never compared again"),
}
BILL_ITEM: Words = {
    "matched": ("又核对上了", "a later comparison found no difference"),
    "mismatched": ("不符", "both sides have it, with another amount or state"),
    "local_only": ("我方有 渠道无", "we booked it, the bill does not have it"),
    "channel_only": ("渠道有 我方无", "the bill has it (or has it twice), we do not"),
    "on_hold": ("挂账", "somebody is asking; still open, and after at most 7 days it waits for somebody again"),
    "resolved": ("已了结", "two of staff had it booked, or it was on hold and a later comparison found no difference"),
    "ignored": ("已忽略", "left at that by staff with a reason; other amounts open it again"),
}
SUSPENSE: Words = {
    "open": ("待处理", "real money that fits nothing; nobody has decided"),
    "proposed": ("等第二人", "one of finance has proposed what to do, with a reason; another must agree"),
    "returning": ("自动退回中", "a second payment of one order, on its way back to its payer"),
    "returned": ("已自动退回", "the second payment has gone back"),
    "booked": ("后来对上了", "its payment was booked after all, and it left suspense in the same transaction"),
    "released": ("已入账", "the merchant's, by new transfers, agreed to by two"),
    "given_back": ("已转退款", "booked and refunded in full by the ordinary way, agreed to by two"),
    "ignored": ("已忽略", "the wallet, asked, does not stand by it, or it is no yuan; agreed to by two"),
}
