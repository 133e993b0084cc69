"""Forms of the console. A reason is never a tick in a box: the merchant reads the same sentence."""

import unicodedata
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, Optional, ValidationError

from portal.merchants.rules import REASON_LEAST, REASON_MOST, Function
from portal.merchants.words import FUNCTION_WORDS, STEP_WORDS
from portal.plumbing.clock import now
from portal.reconciliation.ways import Way as ItemWay
from portal.staff.words import ITEM_WAY_WORDS
from portal.suspense.rules import Way
from portal.values.day import business_date

_CHOOSE = _l("请选一项功能")
_LONGEST = timedelta(days=366)


def tidy(text: str | None) -> str:
    """Without outer blanks and without signs that nobody sees and the database refuses."""
    seen = "".join(sign for sign in text or "" if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs"))
    return seen.strip()


def _sentence(label: Any, missing: Any, hint: Any) -> TextAreaField:
    length = Length(min=REASON_LEAST, max=REASON_MOST, message=_l("要写 4 到 500 个字"))
    return TextAreaField(label, [DataRequired(missing), length], filters=[tidy], description=hint)


class _DayField(DateField):
    """A day, with our own words when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(_l("日期不对，请按 2026-12-31 这样填")) from error


class ReturnForm(FlaskForm):
    """Send an application back."""

    step = RadioField(_l("退回：要店主改哪一步"), default="")
    reason = _sentence(_l("退回原因"), _l("请写退回原因"), _l("店主看到同一句：哪里不对，要带什么，哪些不用再交"))

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.step.choices = [("", _l("不指定")), *((str(step), word) for step, word in STEP_WORDS.items())]


class RestrictForm(FlaskForm):
    """Take one function away for a time."""

    function = RadioField(
        _l("限制哪项功能"), [InputRequired(_CHOOSE), AnyOf(list(Function), _CHOOSE)], validate_choice=False
    )
    reason = _sentence(_l("原因"), _l("请写原因"), _l("商户看到同一句：发生了什么，几笔，多少钱"))
    way_out = _sentence(_l("出路"), _l("请写怎样恢复"), _l("商户照着做就能恢复：交什么，谁来看，多久有结果"))
    until = _DayField(_l("限到哪天"), [Optional()], description=_l("含当天，到期自己恢复；不填就是没有期限，最长一年"))

    def __init__(self, *given: Any, free: list[Function], **named: Any) -> None:
        super().__init__(*given, **named)
        self.function.choices = [(str(function), FUNCTION_WORDS[function]) for function in free]

    def validate_until(self, field: DateField) -> None:
        """Today at the earliest, a year from now at the latest."""
        today = business_date(now())
        if field.data is not None and not today <= field.data <= today + _LONGEST:
            raise ValidationError(_l("请选今天到一年以内的一天"))


class LiftForm(FlaskForm):
    """Give a function back."""

    reason = _sentence(_l("解除原因"), _l("请写解除原因"), _l("商户看到同一句：核对了什么"))


class DecideItemForm(FlaskForm):
    """What becomes of one difference between a bill and our books."""

    way = RadioField(_l("处理办法"), [InputRequired(_l("请选一种处理办法"))])
    reason = _sentence(_l("原因"), _l("请写原因"), _l("核对了什么，等什么；和处理人一起留在审计里"))

    def __init__(self, *given: Any, offered: tuple[ItemWay, ...] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        self.way.choices = [(str(way), ITEM_WAY_WORDS[way]) for way in offered]
        if offered and self.way.data is None:
            self.way.data = str(offered[0])


class DecideCaseForm(FlaskForm):
    """What shall be done with money that was put aside."""

    way = RadioField(_l("处理办法"), [InputRequired(_l("请选一种处理办法"))])
    target_no = StringField(
        _l("记到哪张订单"),
        [Optional(), Length(max=32, message=_l("单号最多 32 个字"))],
        filters=[tidy],
        description=_l("不填就自己成一笔收款；填了就要是这家商户的未付订单，金额一样"),
    )
    reason = _sentence(_l("原因"), _l("请写原因"), _l("核对了什么；和两个人的名字一起留在审计里"))

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.way.choices = [
            (Way.RELEASE.value, _l("入账给商户")),
            (Way.GIVE_BACK.value, _l("退给付款人")),
            (Way.IGNORE.value, _l("忽略，只限钱包不认的钱和外币")),
        ]
