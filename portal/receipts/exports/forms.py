"""What an owner says about the file he wants: which days, of what, as what."""

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError
from wtforms.widgets import DateInput

from portal.plumbing.formkeys import FORM_KEY_MOST
from portal.receipts.exports.rules import Form, Period, Subject, period
from portal.receipts.exports.words import FORM_WORDS, PERIOD_WORDS, SUBJECT_WORDS
from portal.values.errors import Refused

_SUBJECTS = [SelectChoice(key, words) for key, words in SUBJECT_WORDS.items()]
_FORMS = [SelectChoice(key, words) for key, words in FORM_WORDS.items()]


class ExportForm(FlaskForm):
    """`period` is there once the form is valid."""

    subject = RadioField(_l("导出什么？"), choices=_SUBJECTS, validate_choice=False)
    first = StringField(_l("从哪一天"), widget=DateInput())
    last = StringField(_l("到哪一天"), widget=DateInput())
    form = RadioField(_l("存成什么？"), choices=_FORMS, validate_choice=False)
    key = HiddenField()

    def __init__(self, *given: Any, today: date, **named: Any) -> None:
        super().__init__(*given, **named)
        self._today = today
        self.period = Period(today, today)

    def validate_subject(self, field: RadioField) -> None:
        """One of the list."""
        if field.data not in tuple(Subject):
            raise ValidationError(_("请选导出什么"))

    def validate_form(self, field: RadioField) -> None:
        """One of the list."""
        if field.data not in tuple(Form):
            raise ValidationError(_("请选存成什么"))

    def validate_first(self, field: StringField) -> None:
        """A day."""
        _day(field)

    def validate_last(self, field: StringField) -> None:
        """A day, not before the first, not after today, within a year."""
        last = _day(field)
        try:
            first = date.fromisoformat(self.first.data or "")
        except ValueError:
            return
        try:
            self.period = period(first, last, today=self._today)
        except Refused as problem:
            raise ValidationError(str(PERIOD_WORDS[problem.reason])) from problem

    def validate_key(self, field: HiddenField) -> None:
        """One of ours in shape; the database keeps it unique."""
        if not 0 < len(field.data or "") <= FORM_KEY_MOST:
            raise ValidationError(_("请再点一次开始导出"))


def _day(field: StringField) -> date:
    try:
        return date.fromisoformat(field.data or "")
    except ValueError as problem:
        raise ValidationError(_("请填日期，像 2026-11-22")) from problem
