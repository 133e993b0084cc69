"""What the owner types to refund: an amount and a reason, and what the check page carries on."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal.plumbing.formkeys import FORM_KEY_MOST
from portal.plumbing.pages import yuan
from portal.refunds.rules import CLERK_LIMIT_MOST, REASON_MOST
from portal.refunds.words import AMOUNT_WORDS
from portal.values.errors import InvalidAmount
from portal.values.money import Fen, parse_yuan

OWN = "own"
REASONS = {
    "quality": _l("商品有问题"),
    "returned": _l("顾客不要了"),
    "overcharged": _l("多收了"),
}


_CHOICES = [*(SelectChoice(key, words) for key, words in REASONS.items()), SelectChoice(OWN, _l("其他"))]


def one_line(text: str | None) -> str:
    """As it is kept: one line without invisible signs."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text or "").split())


class RefundForm(FlaskForm):
    """How much and why. `available` is what may be refunded now, in fen."""

    amount = StringField(_l("退款金额"))
    reason = RadioField(_l("原因"), choices=_CHOICES, validate_choice=False)
    own = StringField(_l("其他原因"), filters=[one_line], description=_l("选“其他”时填，最多 40 个字"))
    key = HiddenField()

    def __init__(self, *given: Any, available: int, **named: Any) -> None:
        super().__init__(*given, **named)
        self.available = available
        self.fen = Fen(0)

    def validate_amount(self, field: StringField) -> None:
        """Yuan with at most two decimals, above zero, and no more than is left."""
        try:
            self.fen = read_amount(field.data, available=self.available)
        except InvalidAmount as problem:
            raise ValidationError(amount_words(problem, available=self.available)) from problem

    def validate_reason(self, field: RadioField) -> None:
        """One of the list, or own words."""
        if field.data not in (*REASONS, OWN):
            raise ValidationError(_("请选退款原因"))
        if field.data == OWN and not self.own.data:
            raise ValidationError(_("请填其他原因，或者选上面的一项"))

    def validate_own(self, field: StringField) -> None:
        """Short enough for the wallet to take it whole."""
        if self.reason.data == OWN and len(field.data or "") > REASON_MOST:
            raise ValidationError(_("原因最多 40 个字"))

    def validate_key(self, field: HiddenField) -> None:
        """One of ours in shape; the database keeps it unique."""
        if not 0 < len(field.data or "") <= FORM_KEY_MOST:
            raise ValidationError(_("请再点一次下一步"))

    @property
    def words(self) -> str:
        """The reason as it is sent to the wallet."""
        return str(self.own.data if self.reason.data == OWN else REASONS[self.reason.data])


class LimitForm(FlaskForm):
    """Up to how much a clerk refunds without asking, in yuan; 0: he always asks."""

    limit = StringField(_l("店员自己能退到"), description=_l("同一笔收款合计。填 0，每笔都要您同意"))

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fen = Fen(0)

    def validate_limit(self, field: StringField) -> None:
        """Yuan with at most two decimals; nothing at all is a mistake, not a zero."""
        try:
            self.fen = parse_yuan(field.data or "", most=CLERK_LIMIT_MOST)
        except InvalidAmount as problem:
            if problem.reason == "too_large":
                most = f"¥{yuan(CLERK_LIMIT_MOST)}"
                raise ValidationError(_("最多 %(amount)s", amount=most)) from problem
            if problem.reason == "missing":
                raise ValidationError(_("请填限额；填 0，店员每笔都要您同意")) from problem
            if problem.reason != "zero":
                raise ValidationError(str(AMOUNT_WORDS[problem.reason])) from problem


def read_amount(text: str | None, *, available: int) -> Fen:
    """The amount in fen. Raises InvalidAmount, with `too_large` for more than is left."""
    return parse_yuan(text or "", most=available)


def amount_words(problem: InvalidAmount, *, available: int) -> str:
    """A sentence that says what to do about an amount that cannot be refunded."""
    if problem.reason == "too_large":
        return _("最多只能退 %(amount)s", amount=f"¥{yuan(available)}")
    return str(AMOUNT_WORDS.get(problem.reason, AMOUNT_WORDS["missing"]))
