"""The bank account WeChat Pay settles a sub-merchant to: which it is, and changing it.

Sources: partner docs 4012761102 (change), 4012761113 (query), 4012761120 (how a change stands).
"""

from collections.abc import Mapping
from typing import Any

from portal.wallets.errors import WalletUnknown
from portal.wallets.payouts import AccountKind, PayoutAccount, PayoutAccountAnswer, PayoutChangeAnswer, Verification
from portal.wallets.port import Contract
from portal.wallets.transport import Budget
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.client import Client, collector_of, in_path
from portal.wallets.wechat.words import Call
from portal.wallets.wire import UnreadableMessage, acceptable_text, moment_at, optional_text_at, text_at

_MERCHANTS = "/v3/apply4sub/sub_merchants"
# The first six and the last four digits: people know their cards by the last four.
_MASK = "ACCOUNT_NUMBER_RULE_MASK_V2"
_FOREIGN_KINDS = {kind: foreign for foreign, kind in words.ACCOUNT_KINDS.items()}


def payout_account(client: Client, contract: Contract, *, budget: Budget) -> PayoutAccountAnswer:
    """The account in use, masked. `verifying` can be paid to already, `failed` cannot. Raises WalletError."""
    path = f"{_MERCHANTS}/{in_path(collector_of(contract, client.settings))}/settlement"
    return client.get(Call.PAYOUT_ACCOUNT, path, {"account_number_rule": _MASK}, budget=budget, read=_account_in)


def change_payout_account(client: Client, contract: Contract, account: PayoutAccount, *, budget: Budget) -> str:
    """Ask for another account; answers the number of this change. Raises WalletError.

    The name may be left out, and must be the one on record but for full- and half-width brackets (4012761102).

    Five a day and sub-merchant. A change has no number of ours, so it is never sent twice: after WalletUnknown look at
    `payout_account` before asking again.
    """
    key = client.settings.keys[client.settings.key_id]
    fields = {
        "account_type": _FOREIGN_KINDS[account.kind],
        "account_bank": acceptable_text(account.bank_name, characters=128),
        "bank_name": acceptable_text(account.branch_name, characters=128) if account.branch_name else None,
        "account_number": signing.seal_field(key, account.account_number),
        "account_name": signing.seal_field(key, account.account_name) if account.account_name else None,
    }
    path = f"{_MERCHANTS}/{in_path(collector_of(contract, client.settings))}/modify-settlement"
    return client.post(Call.CHANGE_PAYOUT_ACCOUNT, path, fields, budget=budget, read=_application_no)


def ask_payout_change(client: Client, contract: Contract, application_no: str, *, budget: Budget) -> PayoutChangeAnswer:
    """How a change stands. Raises WalletRefused(`ORDER_NOT_EXIST`) for a number WeChat Pay never gave."""
    collector = in_path(collector_of(contract, client.settings))
    path = f"{_MERCHANTS}/{collector}/application/{in_path(application_no)}"

    def read(answer: Mapping[str, Any]) -> PayoutChangeAnswer:
        verification = _verification(answer, "AUDIT")
        failed = verification is Verification.FAILED
        return PayoutChangeAnswer(
            application_no=application_no,
            verification=verification,
            reason=optional_text_at(answer, "verify_fail_reason") if failed else None,
            finished_at=moment_at(answer, "verify_finish_time"),
        )

    return client.get(Call.ASK_PAYOUT_CHANGE, path, {"account_number_rule": _MASK}, budget=budget, read=read)


def _account_in(answer: Mapping[str, Any]) -> PayoutAccountAnswer:
    """An account number without a mask would be a secret we never asked for: nothing of such an answer is kept."""
    masked, verification = text_at(answer, "account_number"), _verification(answer, "VERIFY")
    if "*" not in masked:
        raise WalletUnknown("ACCOUNT_NOT_MASKED")
    return PayoutAccountAnswer(
        kind=_kind(answer),
        bank_name=text_at(answer, "account_bank"),
        masked_number=masked,
        verification=verification,
        reason=optional_text_at(answer, "verify_fail_reason") if verification is Verification.FAILED else None,
    )


def _kind(answer: Mapping[str, Any]) -> AccountKind:
    kind = words.ACCOUNT_KINDS.get(text_at(answer, "account_type"))
    if kind is None:
        raise UnreadableMessage(f"account_type {answer.get('account_type')}")
    return kind


def _verification(answer: Mapping[str, Any], prefix: str) -> Verification:
    """Both answers call it `verify_result`, but each has words of its own."""
    said = text_at(answer, "verify_result")
    found = words.VERIFICATIONS.get(said)
    if found is None or not said.startswith(prefix):
        raise UnreadableMessage(f"verify_result {said}")
    return found


def _application_no(answer: Mapping[str, Any]) -> str:
    return text_at(answer, "application_no")
