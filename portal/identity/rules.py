"""Who a person is here, how long a sign-in lasts, and how often a thing may be tried."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import phonenumbers

from portal.values.errors import Refused

MERCHANT_SESSION = timedelta(days=7)
STAFF_SESSION = timedelta(hours=8)
MERCHANT_IDLE = timedelta(hours=72)
STAFF_IDLE = timedelta(minutes=30)
SMS_CODE_LIFE_MINUTES = 10
SMS_CODE_TRIES = 5
SMS_CODE_AGAIN = timedelta(seconds=60)
PASSWORD_LEAST = 8
PASSWORD_MOST = 128
# What an attacker tries first, and what a stall owner would use without thinking.
_COMMON_PASSWORDS = frozenset(
    "12345678 123456789 1234567890 11111111 88888888 00000000 87654321 password password1 qwertyui iloveyou"
    " 66666666 abcd1234 1qaz2wsx asdfghjk yima1234 woaini1314 a1234567 a12345678 wechatpay".split()
)


class StaffRole(StrEnum):
    """What a staff member is for."""

    SUPPORT = "support"
    REVIEWER = "reviewer"
    RISK = "risk"
    FINANCE = "finance"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Limit(StrEnum):
    """Throttled deeds; each has one row in LIMITS."""

    SMS_BY_PHONE = "sms_phone"
    SMS_BY_ADDRESS = "sms_address"
    LOGIN_BY_PHONE = "login_phone"
    LOGIN_BY_ADDRESS = "login_address"
    PAGE_BY_ADDRESS = "page_address"
    EXPORT_BY_MERCHANT = "export_merchant"


@dataclass(frozen=True)
class Allowance:
    """At most `most` tries in each window of `window`."""

    most: int
    window: timedelta


LIMITS = {
    Limit.SMS_BY_PHONE: Allowance(5, timedelta(hours=1)),
    Limit.SMS_BY_ADDRESS: Allowance(30, timedelta(hours=1)),
    Limit.LOGIN_BY_PHONE: Allowance(10, timedelta(minutes=5)),
    Limit.LOGIN_BY_ADDRESS: Allowance(60, timedelta(minutes=5)),
    Limit.PAGE_BY_ADDRESS: Allowance(600, timedelta(minutes=5)),
    Limit.EXPORT_BY_MERCHANT: Allowance(10, timedelta(hours=1)),
}


def window_start(moment: datetime, window: timedelta) -> datetime:
    """The start of the window that `moment` falls in."""
    seconds = int(window.total_seconds())
    stamp = int(moment.timestamp())
    return datetime.fromtimestamp(stamp - stamp % seconds, moment.tzinfo)


def read_phone(text: str) -> str:
    """A Chinese mobile number as typed, in E.164 (`+8613800138000`). Raises Refused(`bad_phone`)."""
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException as error:
        raise Refused("bad_phone") from error
    mobile = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if (
        number.country_code != 86
        or not phonenumbers.is_valid_number(number)
        or phonenumbers.number_type(number) not in mobile
    ):
        raise Refused("bad_phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_password(password: str) -> None:
    """Length decides, not the mix of signs. Raises Refused(`password_short|password_long|password_common`)."""
    if len(password) < PASSWORD_LEAST:
        raise Refused("password_short")
    if len(password) > PASSWORD_MOST:
        raise Refused("password_long")
    if password.lower() in _COMMON_PASSWORDS or len(set(password)) < 3:
        raise Refused("password_common")


def phone_place(phone_blind: str) -> str:
    """Where a person's number is sealed."""
    return f"users|phone|{phone_blind}"


def masked_phone(tail: str) -> str:
    """`2046` as `138 **** 2046` would be shown: only the tail is kept in the clear."""
    return f"*** **** {tail}"
