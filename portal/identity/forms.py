"""Forms of registering and signing in. Messages are whole sentences that say what to do."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length, Regexp, ValidationError

from portal.identity.rules import PASSWORD_MOST, check_password, read_phone
from portal.values.errors import Refused

PASSWORD_WORDS = {
    "password_short": _l("密码至少 8 位"),
    "password_long": _l("密码最多 128 位"),
    "password_common": _l("这个密码太常见，请换一个"),
}
CODE_WORDS = {
    "code_wrong": _l("验证码不对，请再看一遍短信"),
    "code_expired": _l("验证码过期了，请重新获取"),
    "code_used_up": _l("验证码输错太多次，请重新获取"),
}


def phone_is_mobile(form: FlaskForm, field: StringField) -> None:
    """Accepts a Chinese mobile number however it is grouped."""
    try:
        read_phone(field.data or "")
    except Refused as error:
        raise ValidationError(_l("请填 11 位手机号")) from error


def password_is_good(form: FlaskForm, field: PasswordField) -> None:
    """Length decides; the commonest passwords are refused."""
    try:
        check_password(field.data or "")
    except Refused as error:
        raise ValidationError(PASSWORD_WORDS[error.reason]) from error


class PhoneForm(FlaskForm):
    """Ask for the mobile number."""

    phone = StringField(
        _l("手机号"),
        [InputRequired(_l("请填手机号")), Length(max=24, message=_l("请填 11 位手机号")), phone_is_mobile],
        render_kw={"inputmode": "tel", "autocomplete": "tel"},
    )


class CodeForm(FlaskForm):
    """The code from the SMS and a new password."""

    code = StringField(
        _l("验证码"),
        [InputRequired(_l("请填短信里的 6 位验证码")), Regexp(r"\s*\d{6}\s*\Z", message=_l("验证码是 6 位数字"))],
        render_kw={"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": "8"},
    )
    password = PasswordField(
        _l("设一个密码"),
        [InputRequired(_l("请设一个密码")), password_is_good],
        render_kw={"autocomplete": "new-password"},
    )


class ResetForm(CodeForm):
    """Prove the number and set a new password."""


class LoginForm(PhoneForm):
    """Number and password."""

    password = PasswordField(
        _l("密码"),
        [InputRequired(_l("请填密码")), Length(max=PASSWORD_MOST, message=PASSWORD_WORDS["password_long"])],
        render_kw={"autocomplete": "current-password"},
    )
