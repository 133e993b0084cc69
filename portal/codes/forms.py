"""Forms about codes: the name of a code, and what to link."""

import unicodedata

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, ValidationError

from portal.codes.plates.coverage import missing_glyphs
from portal.codes.rules import NAME_MOST, TEXT_MOST
from portal.codes.words import glyph_problem, name_too_long


def tidy(text: str | None) -> str | None:
    """Composed signs and single spaces, as the plate prints them."""
    return None if text is None else " ".join(unicodedata.normalize("NFC", text).split())


def printable(form: FlaskForm, field: StringField) -> None:
    """The name goes on the plate: it has to fit and every sign must have a shape."""
    name = field.data or ""
    if len(name) > NAME_MOST:
        raise ValidationError(name_too_long())
    if signs := missing_glyphs(name):
        raise ValidationError(glyph_problem(signs))


class NameForm(FlaskForm):
    """Where a code hangs."""

    name = StringField(
        _l("这张码放在哪儿？"),
        [DataRequired(_l("请填名字，像“柜台”")), printable],
        filters=[tidy],
        description=_l("印在码牌角上，您好分清哪一张，像“柜台”“外卖窗”"),
        render_kw={"autocomplete": "off", "maxlength": "40"},
    )


class NewCodeForm(NameForm):
    """A new portal code. The choice of a shop is dropped where there is only one."""

    shop = SelectField(_l("哪家店？"), coerce=int)


class ScanForm(FlaskForm):
    """A photo of a code, or its text."""

    photo = FileField(
        _l("照片"),
        description=_l("现拍或从相册选都行，PDF 也行，10 MB 以内。整个码都要拍进去"),
        render_kw={"accept": "image/*,application/pdf"},
    )
    text = TextAreaField(
        _l("或者粘贴码的内容"),
        description=_l("用别的工具扫出来的文字，像 wxp://f2f0…"),
        render_kw={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "maxlength": str(TEXT_MOST)},
    )


class ChoiceForm(FlaskForm):
    """Which of several codes; each value is the code's text, sealed."""

    sealed = RadioField(_l("选一个"), validate_choice=False, validators=[InputRequired(_l("请选一个码"))])


class LinkForm(FlaskForm):
    """Confirm: this code, under this name."""

    name = StringField(
        _l("给它起个名字"),
        [DataRequired(_l("请填名字，像“柜台”")), printable],
        filters=[tidy],
        description=_l("只有您看得到，好分清哪一张"),
        render_kw={"autocomplete": "off", "maxlength": "40"},
    )
    sealed = HiddenField(validators=[InputRequired()])
