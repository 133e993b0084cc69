"""What a payer types: an amount, and perhaps a note."""

from flask_babel import gettext as _

from portal.payments.rules import NOTE_MOST
from portal.values.errors import InvalidAmount, Refused
from portal.values.money import Fen, parse_yuan


def amount_words(problem: InvalidAmount) -> str:
    """A sentence that says what to do about an amount we cannot take."""
    words = {
        "missing": _("请填付款金额"),
        "not_a_number": _("金额只能是数字，像 12.50"),
        "too_precise": _("金额最多两位小数，像 12.50"),
        "zero": _("金额要大于 0"),
        "too_large": _("金额太大，请分几次付，或者找商家核对"),
    }
    return words.get(problem.reason, _("请填付款金额"))


def read_amount(text: str) -> Fen:
    """The amount in fen. Raises InvalidAmount."""
    return parse_yuan(text)


def read_note(text: str) -> str:
    """The note as it is kept: one line, no control signs, cut where it gets too long for a receipt.

    Raises Refused(`note_too_long`).
    """
    plain = "".join(sign if sign.isprintable() else " " for sign in text).strip()
    if len(plain) > NOTE_MOST:
        raise Refused("note_too_long")
    return plain
