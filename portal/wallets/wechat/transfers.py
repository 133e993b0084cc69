"""Merchant transfers (商家转账): cash from the provider's own funds to one person, who confirms it within 24 hours.

Sources: merchant docs 4012716434 (create), 4012716437 (query), 4012716458 (cancel), 4012712115 (notice), 4012716430
(the confirmation), 4013774588 and 4013774590 (what has to be reported). Sold to direct merchants only; there is no form
of it in which a provider acts for a sub-merchant.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.payouts import TransferAnswer, TransferState, TransferToSend
from portal.wallets.transport import Budget
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.client import Client, in_path
from portal.wallets.wechat.orders import plain_address
from portal.wallets.wechat.settings import TRANSFER_SCENES, WechatSettings
from portal.wallets.wechat.words import Call
from portal.wallets.wire import (
    UnreadableMessage,
    acceptable_text,
    moment_at,
    optional_text_at,
    optional_whole_at,
    text_at,
    whole_at,
)

_TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
# From 2,000 yuan on the receiver's name must be given, below 0.30 it may not (4012716434, 4012711988).
NAME_FROM = 200_000
NAMELESS_BELOW = 30
_MOST_CHARACTERS = 32


def transfer(client: Client, request: TransferToSend, *, budget: Budget) -> TransferAnswer:
    """Send a transfer, or send it again under its number: WeChat Pay knows it by that. Raises WalletError.

    What it refuses because the transfer is over is answered by asking for the transfer.
    """
    fields = _fields(client.settings, request)
    read = _reader(client.settings, request.transfer_no)
    try:
        return client.post(Call.TRANSFER, _TRANSFERS, fields, budget=budget, read=read)
    except WalletRefused as error:
        if error.code != words.TRANSFER_IS_OVER:
            raise
        return ask_transfer(client, request.transfer_no, budget=budget)


def ask_transfer(client: Client, transfer_no: str, *, budget: Budget) -> TransferAnswer:
    """Ask what became of a transfer. One that was never taken is `missing`."""
    path = f"{_TRANSFERS}/out-bill-no/{in_path(transfer_no)}"
    try:
        return client.get(Call.ASK_TRANSFER, path, {}, budget=budget, read=_reader(client.settings, transfer_no))
    except WalletRefused as error:
        if error.code != words.NO_SUCH_TRANSFER:
            raise
        return TransferAnswer(transfer_no, TransferState.MISSING)


def cancel_transfer(client: Client, transfer_no: str, *, budget: Budget) -> TransferAnswer:
    """Take a transfer back before its receiver confirms. `canceling` is not `canceled`: ask. Raises WalletError."""
    path = f"{_TRANSFERS}/out-bill-no/{in_path(transfer_no)}/cancel"
    read = _reader(client.settings, transfer_no)
    return client.post(Call.CANCEL_TRANSFER, path, None, budget=budget, read=read)


def transfer_in(settings: WechatSettings, message: Mapping[str, Any]) -> TransferAnswer:
    """The transfer in an answer or in an opened notice. Raises UnreadableMessage.

    A transfer that waits tells its package; the same package may be shown until the transfer is over.
    """
    state = words.TRANSFER_STATES.get(text_at(message, "state"))
    if state is None:
        raise UnreadableMessage(f"state {message.get('state')}")
    package = optional_text_at(message, "package_info") if state is TransferState.WAITING_FOR_OWNER else None
    return TransferAnswer(
        transfer_no=text_at(message, "out_bill_no"),
        state=state,
        amount=optional_whole_at(message, "transfer_amount"),
        wallet_transfer_no=optional_text_at(message, "transfer_bill_no"),
        confirmation=package,
        bridge={"mchId": settings.sp_mchid, "appId": settings.sp_appid, "package": package} if package else {},
        reason=optional_text_at(message, "fail_reason") if state is TransferState.FAILED else None,
        at=moment_at(message, "update_time") or moment_at(message, "create_time"),
    )


def finished_in(settings: WechatSettings, message: Mapping[str, Any]) -> TransferAnswer:
    """The transfer in a notice, which comes only when it is over. Raises UnreadableMessage."""
    found = transfer_in(settings, message)
    if found.state not in (TransferState.SUCCESS, TransferState.FAILED, TransferState.CANCELED):
        raise UnreadableMessage(f"state {message.get('state')}")
    whole_at(message, "transfer_amount")
    return found


def _fields(settings: WechatSettings, request: TransferToSend) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9A-Za-z]{1,32}", request.transfer_no):
        raise WalletRefused("TRANSFER_NO", "letters and digits only, at most 32")
    if request.amount >= NAME_FROM and not request.receiver_name:
        raise WalletRefused("RECEIVER_NAME_MISSING", "from 2,000 yuan on the receiver's name must be given")
    told = (
        acceptable_text(request.activity, characters=_MOST_CHARACTERS),
        acceptable_text(request.reason, characters=_MOST_CHARACTERS),
    )
    if not all(told):
        raise WalletRefused("REASON_MISSING", "the receiver must be told what the money is for")
    name = request.receiver_name if request.amount >= NAMELESS_BELOW else None
    return {
        "appid": settings.sp_appid,
        "out_bill_no": request.transfer_no,
        "transfer_scene_id": settings.transfer_scene,
        "openid": request.receiver_id,
        "user_name": signing.seal_field(settings.keys[settings.key_id], name) if name else None,
        "transfer_amount": request.amount,
        "transfer_remark": told[1],
        "notify_url": plain_address(request.notify_url),
        "transfer_scene_report_infos": [
            {"info_type": kind, "info_content": content}
            for kind, content in zip(TRANSFER_SCENES[settings.transfer_scene], told, strict=True)
        ],
    }


def _reader(settings: WechatSettings, transfer_no: str) -> Callable[[Mapping[str, Any]], TransferAnswer]:
    def read(answer: Mapping[str, Any]) -> TransferAnswer:
        found = transfer_in(settings, answer)
        mchid = optional_text_at(answer, "mch_id") or settings.sp_mchid
        if (found.transfer_no, mchid) != (transfer_no, settings.sp_mchid):
            raise WalletUnknown("ANSWER_OF_ANOTHER_TRANSFER", transfer_no)
        return found

    return read
