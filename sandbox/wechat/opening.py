"""What WeChat's side has from the start, and what changes there by itself while time passes."""

import sqlite3

from sandbox.keys import Keys
from sandbox.wechat import applyments, arriving, funds, merchants, paying_out, settlement, static_codes, transfers

WATCHES = (
    arriving.finish_due,
    applyments.advance_due,
    settlement.advance_due,
    transfers.expire_due,
    paying_out.pay_out_due,
)
_FIRST_ACCOUNT = {"account_type": "ACCOUNT_TYPE_PRIVATE", "account_bank": "工商银行"}


def open_books(connection: sqlite3.Connection, keys: Keys) -> None:
    """The first sub-merchant with its bank account and its code, and the provider's own money. May be repeated."""
    merchants.open_first(connection, keys)
    account = settlement.described(_FIRST_ACCOUNT, "6222021234567890123", "周建国")
    settlement.open_account(connection, keys.wechat_sub_mchid, account)
    funds.open_accounts(connection)
    if not static_codes.every(connection):
        static_codes.open_code(connection, keys.wechat_sub_mchid)
