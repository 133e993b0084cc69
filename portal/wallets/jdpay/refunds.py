"""Refunds of aggregate pay: send, ask. `resultCode` SUCCESS means accepted; `payStatus` tells whether it arrived."""

from collections.abc import Mapping
from typing import Any

from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.jdpay import words
from portal.wallets.jdpay.client import Client
from portal.wallets.jdpay.orders import jd_moment_at
from portal.wallets.jdpay.words import Call
from portal.wallets.port import Acquirer, Contract, RefundAnswer, RefundState, RefundToSend
from portal.wallets.transport import Budget
from portal.wallets.wire import UnreadableMessage, optional_text_at, optional_whole_at, text_at


def refund(client: Client, request: RefundToSend, *, budget: Budget) -> RefundAnswer:
    """Ask for a refund. The same number with the same values is the same refund. Raises WalletError."""
    fields = {
        "outTradeNo": request.order_no,
        "outRefundNo": request.refund_no,
        "amount": str(request.amount),
        "notifyUrl": request.notify_url,
    }
    answer = client.ask(Call.REFUND, request.contract, fields, budget=budget)
    # The public implementers read nothing but resultCode here; a state may be missing and means "on its way".
    return _checked({"payStatus": "PROCESSING", **answer}, request.refund_no, request.contract)


def ask_refund(client: Client, contract: Contract, refund_no: str, *, budget: Budget) -> RefundAnswer:
    """Ask what became of a refund. One that was never accepted is `missing`: send it again under the same number."""
    try:
        answer = client.ask(Call.ASK_REFUND, contract, {"outRefundNo": refund_no}, budget=budget)
    except WalletRefused as error:
        if error.code != words.NO_SUCH_REFUND:
            raise
        return RefundAnswer(Acquirer.JDPAY, refund_no, RefundState.MISSING, contract.sub_merchant_no)
    return _checked(answer, refund_no, contract)


def refund_in(message: Mapping[str, Any], merchant_no: str) -> RefundAnswer:
    """The refund in an answer or a notice. Raises UnreadableMessage."""
    state = words.REFUND_STATES.get(text_at(message, "payStatus"))
    if state is None:
        raise UnreadableMessage(f"payStatus {message.get('payStatus')}")
    return RefundAnswer(
        acquirer=Acquirer.JDPAY,
        refund_no=text_at(message, "outRefundNo"),
        state=state,
        sub_merchant_no=merchant_no,
        wallet_refund_no=optional_text_at(message, "refundNo"),
        order_no=optional_text_at(message, "outTradeNo"),
        amount=optional_whole_at(message, "amount"),
        payer_amount=optional_whole_at(message, "piAmount"),
        arrived_at=jd_moment_at(message, "refundFinishTime"),
    )


def _checked(answer: Mapping[str, Any], refund_no: str, contract: Contract) -> RefundAnswer:
    try:
        found = refund_in(answer, contract.sub_merchant_no)
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if found.refund_no != refund_no:
        raise WalletUnknown("ANSWER_OF_ANOTHER_REFUND", refund_no)
    return found
