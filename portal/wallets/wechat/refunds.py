"""Refunds in partner mode: send, ask, and free a stuck one. Accepted is not arrived.

Sources: partner docs 4013080625, 4013080626, 4013080627, 4014960215.
"""

from collections.abc import Callable, Mapping
from typing import Any

from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.port import Acquirer, Contract, RefundAnswer, RefundState, RefundToSend
from portal.wallets.transport import Budget
from portal.wallets.wechat import words
from portal.wallets.wechat.client import Client, collector_of, in_path
from portal.wallets.wechat.orders import plain_address
from portal.wallets.wechat.words import Call
from portal.wallets.wire import (
    UnreadableMessage,
    acceptable_text,
    moment_at,
    optional_text_at,
    optional_whole_at,
    text_at,
)

_REFUNDS = "/v3/refund/domestic/refunds"


def refund(client: Client, request: RefundToSend, *, budget: Budget) -> RefundAnswer:
    """Ask for a refund. Amounts are gross; WeChat Pay works out what the payer's coupons change. Raises WalletError."""
    collector = collector_of(request.contract, client.settings)
    fields = {
        "sub_mchid": collector,
        "transaction_id": request.transaction_id,
        "out_refund_no": request.refund_no,
        "reason": acceptable_text(request.reason, utf8_bytes=80) or None,
        "notify_url": plain_address(request.notify_url),
        "amount": {"refund": request.amount, "total": request.order_amount, "currency": "CNY"},
    }
    read = _reader(request.refund_no, collector)
    return client.post(Call.REFUND, _REFUNDS, fields, budget=budget, read=read)


def ask_refund(client: Client, contract: Contract, refund_no: str, *, budget: Budget) -> RefundAnswer:
    """Ask what became of a refund. One that was never accepted is `missing`: send it again under the same number."""
    collector = collector_of(contract, client.settings)
    path, query = f"{_REFUNDS}/{in_path(refund_no)}", {"sub_mchid": collector}
    try:
        return client.get(Call.ASK_REFUND, path, query, budget=budget, read=_reader(refund_no, collector))
    except WalletRefused as error:
        if error.code != words.NO_SUCH_REFUND:
            raise
        return RefundAnswer(Acquirer.WECHAT, refund_no, RefundState.MISSING, collector)


def send_stuck_refund(client: Client, contract: Contract, refund_no: str, *, budget: Budget) -> RefundAnswer:
    """Have an `abnormal` refund settled with the sub-merchant's bank account (partner docs 4013080627).

    The other way, to another card of the payer's, would need his card number, which the portal never asks for. A refund
    that is not abnormal (any more) is answered as it stands, and nothing is sent.
    """
    found = ask_refund(client, contract, refund_no, budget=budget)
    if found.state is not RefundState.ABNORMAL or found.wallet_refund_no is None:
        return found
    fields = {"sub_mchid": found.sub_merchant_no, "out_refund_no": refund_no, "type": "MERCHANT_BANK_CARD"}
    path = f"{_REFUNDS}/{in_path(found.wallet_refund_no)}/apply-abnormal-refund"
    read = _reader(refund_no, found.sub_merchant_no)
    return client.post(Call.STUCK_REFUND, path, fields, budget=budget, read=read)


def refund_in(message: Mapping[str, Any], *, state_name: str, sub_merchant_no: str) -> RefundAnswer:
    """The refund in an answer (`status`) or in an opened notice (`refund_status`). Raises UnreadableMessage."""
    state = words.REFUND_STATES.get(text_at(message, state_name))
    if state is None:
        raise UnreadableMessage(f"{state_name} {message.get(state_name)}")
    return RefundAnswer(
        acquirer=Acquirer.WECHAT,
        refund_no=text_at(message, "out_refund_no"),
        state=state,
        sub_merchant_no=sub_merchant_no,
        wallet_refund_no=text_at(message, "refund_id"),
        order_no=optional_text_at(message, "out_trade_no"),
        amount=optional_whole_at(message, "amount", "refund"),
        payer_amount=optional_whole_at(message, "amount", "payer_refund"),
        received_by=optional_text_at(message, "user_received_account"),
        arrived_at=moment_at(message, "success_time"),
    )


def _reader(refund_no: str, collector: str) -> Callable[[Mapping[str, Any]], RefundAnswer]:
    def read(answer: Mapping[str, Any]) -> RefundAnswer:
        found = refund_in(answer, state_name="status", sub_merchant_no=collector)
        if found.refund_no != refund_no:
            raise WalletUnknown("ANSWER_OF_ANOTHER_REFUND", refund_no)
        return found

    return read
