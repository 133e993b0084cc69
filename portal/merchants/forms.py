"""Forms of registering and applying. Messages are whole sentences that say what to do."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from stdnum import luhn
from stdnum.cn import ric, uscc
from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError

from portal.identity.forms import CodeForm
from portal.merchants.words import BANKS, CITIES, DOCUMENT_WORDS
from portal.plumbing.clock import now
from portal.values.day import business_date
from portal.wallets.applications import Document

_INDIVIDUAL = "92"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
# What the wallets take in a name: nothing of four UTF-8 bytes, no pictures, no invisible signs.
_NO_NAME = frozenset({"So", "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def tidy(text: str | None) -> str:
    """Without outer blanks."""
    return (text or "").strip()


def compact(text: str | None) -> str:
    """A number as it is meant: full-width signs made plain, blanks and hyphens left out, letters upper case."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text or "")).upper()


def plain_signs(form: FlaskForm, field: StringField) -> None:
    """The wallets take signs of one to three UTF-8 bytes only: no emoji, nothing outside of the basic plane."""
    for sign in field.data or "":
        if ord(sign) > 0xFFFF or ord(sign) in _VARIATION_SELECTORS or unicodedata.category(sign) in _NO_NAME:
            raise ValidationError(_l("这里不能有表情符号和特殊字符，钱包都不收"))


class _NumberField(StringField):
    """A number that is understood in its compact form, and shown again as it was typed."""

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else self.data or ""


class _RequiredUnlessKept:
    """Needed, unless the form's `kept` names the field: then leaving it blank keeps what is stored."""

    field_flags: Mapping[str, Any] = {}

    def __init__(self, words: Any) -> None:
        self._words = words

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        if not field.data:
            if field.name in form.kept:
                raise StopValidation()
            raise StopValidation(self._words)


class StepForm(FlaskForm):
    """One step. `kept` holds, masked, the sensitive answers that stand already and may be left blank."""

    kept: Mapping[str, str] = {}


def picture_field(label: Any) -> FileField:
    """One upload; the camera opens on a phone."""
    return FileField(label, render_kw={"accept": "image/jpeg,image/png"})


class RegisterForm(CodeForm):
    """Prove the number, name the shop, set a password, accept the texts."""

    shop_name = StringField(
        _l("店名"),
        [DataRequired(_l("请填店名")), Length(max=30, message=_l("店名最多 30 个字")), plain_signs],
        filters=[tidy],
        render_kw={"autocomplete": "organization"},
    )
    accept = BooleanField(
        _l("我看过并同意《一码服务协议》和《一码隐私说明》"), [DataRequired(_l("同意服务协议和隐私说明后才能注册"))]
    )


class _DayField(DateField):
    """A day, with our own words when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(_l("日期不对，请按 2016-03-01 这样填")) from error


class LicenceForm(StepForm):
    """The business licence."""

    licence_name = StringField(
        _l("执照上的名称"),
        [
            DataRequired(_l("请填执照上的名称")),
            Length(min=2, max=100, message=_l("名称要 2 到 100 个字")),
            plain_signs,
        ],
        filters=[tidy],
        description=_l("照着执照填，一个字都不要差"),
    )
    licence_number = _NumberField(
        _l("统一社会信用代码"),
        [DataRequired(_l("请填统一社会信用代码"))],
        filters=[compact],
        description=_l("18 位；老执照填 15 位注册号"),
        render_kw={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"},
    )
    licence_address = StringField(
        _l("执照上的地址"),
        [DataRequired(_l("请填执照上的地址")), Length(max=100, message=_l("地址最多 100 个字")), plain_signs],
        filters=[tidy],
    )

    licence = picture_field(DOCUMENT_WORDS[Document.LICENCE])

    def validate_licence_number(self, field: StringField) -> None:
        """Eighteen signs with a check sign, or the fifteen digits of a licence from before 2015."""
        number = field.data or ""
        if re.fullmatch(r"\d{15}", number, re.ASCII):
            return
        if not uscc.is_valid(number):
            raise ValidationError(_l("代码不对，请对着执照再看一遍"))
        if not number.startswith(_INDIVIDUAL):
            raise ValidationError(_l("这不是个体工商户的执照（代码以 92 开头），现在只能开通个体工商户"))


class PersonForm(StepForm):
    """The operator named on the licence."""

    legal_person = StringField(
        _l("姓名"),
        [DataRequired(_l("请填经营者姓名")), Length(min=2, max=40, message=_l("姓名要 2 到 40 个字")), plain_signs],
        filters=[tidy],
        description=_l("和身份证、执照上的经营者一致"),
        render_kw={"autocomplete": "name"},
    )
    id_number = _NumberField(
        _l("身份证号"),
        [_RequiredUnlessKept(_l("请填身份证号"))],
        filters=[compact],
        render_kw={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"},
    )
    id_valid_from = _DayField(_l("有效期从"), [InputRequired(_l("请填身份证有效期的开始日期"))])
    id_valid_until = _DayField(_l("有效期到"), [Optional()], description=_l("长期有效的不用填"))
    id_forever = BooleanField(_l("长期有效"))

    id_front = picture_field(DOCUMENT_WORDS[Document.ID_FRONT])
    id_back = picture_field(DOCUMENT_WORDS[Document.ID_BACK])

    def validate_id_number(self, field: StringField) -> None:
        """Eighteen signs with place, birthday and check sign (GB 11643)."""
        if not ric.is_valid(field.data or "") or ric.get_birth_date(field.data) >= _today():
            raise ValidationError(_l("身份证号不对，请对着身份证再看一遍"))

    def validate_id_valid_from(self, field: DateField) -> None:
        """Cannot begin in the future."""
        if field.data and field.data > _today():
            raise ValidationError(_l("有效期还没开始，请对着身份证再看一遍"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Besides each field for itself: the end belongs to the beginning."""
        fine: bool = super().validate(extra_validators)
        problem = self._end_problem()
        if problem is not None:
            self.id_valid_until.errors = [*self.id_valid_until.errors, problem]
        return fine and problem is None

    def _end_problem(self) -> Any:
        if self.id_forever.data or self.id_valid_until.errors:
            return None
        until, since = self.id_valid_until.data, self.id_valid_from.data
        if until is None:
            return _l("请填有效期到哪天，长期有效的请勾选")
        if until < _today():
            return _l("身份证过期了，请换新证后再来")
        return _l("结束日期要在开始日期之后") if since and until <= since else None


class AccountForm(StepForm):
    """The card the money is settled to."""

    account_number = _NumberField(
        _l("银行卡号"),
        [_RequiredUnlessKept(_l("请填银行卡号"))],
        filters=[compact],
        description=_l("16 到 19 位数字，在卡的正面"),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    bank_name = SelectField(_l("开户银行"), [DataRequired(_l("请选开户银行"))], choices=[], validate_choice=False)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.bank_name.choices = [("", _l("请选择")), *BANKS.items()]

    def validate_account_number(self, field: StringField) -> None:
        """Sixteen to nineteen digits with a check digit (ISO/IEC 7812)."""
        if not re.fullmatch(r"\d{16,19}", field.data or "", re.ASCII) or not luhn.is_valid(field.data):
            raise ValidationError(_l("卡号不对，请对着卡再看一遍"))

    def validate_bank_name(self, field: SelectField) -> None:
        """One of the list."""
        if field.data not in BANKS:
            raise ValidationError(_l("请选开户银行"))


class ShopForm(StepForm):
    """Where he sells, and what the payer reads."""

    shop_name = StringField(
        _l("门店名"),
        [DataRequired(_l("请填门店名")), Length(max=30, message=_l("店名最多 30 个字")), plain_signs],
        filters=[tidy],
        description=_l("顾客付款时看到的名字，和门头一致"),
    )
    region_code = SelectField(_l("城市"), [DataRequired(_l("请选城市"))], choices=[], validate_choice=False)
    store_address = StringField(
        _l("门店地址"),
        [DataRequired(_l("请填门店地址")), Length(max=60, message=_l("地址最多 60 个字")), plain_signs],
        filters=[tidy],
        description=_l("区、街道、门牌或摊位号"),
        render_kw={"autocomplete": "street-address"},
    )
    email = StringField(
        _l("邮箱"),
        [DataRequired(_l("请填邮箱")), Length(max=100, message=_l("邮箱不对，请再看一遍"))],
        filters=[tidy],
        description=_l("微信支付和京东支付的通知发到这里，QQ 邮箱也可以"),
        render_kw={"inputmode": "email", "autocomplete": "email", "autocapitalize": "none"},
    )
    storefront = picture_field(DOCUMENT_WORDS[Document.STOREFRONT])
    interior = picture_field(DOCUMENT_WORDS[Document.INTERIOR])

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.region_code.choices = [("", _l("请选择")), *CITIES.items()]

    def validate_region_code(self, field: SelectField) -> None:
        """One of the list."""
        if field.data not in CITIES:
            raise ValidationError(_l("请选城市"))

    def validate_email(self, field: StringField) -> None:
        """Something before and a domain after the sign, in plain ASCII."""
        if not (field.data or "").isascii() or not _EMAIL.fullmatch(field.data or ""):
            raise ValidationError(_l("邮箱不对，请再看一遍"))


class SubmitForm(FlaskForm):
    """Accept the rates as shown, and hand in. `rates` carries what was shown, so a change in between is noticed."""

    rates = HiddenField()
    accept = BooleanField(_l("我同意以上费率，资料都是真的"), [DataRequired(_l("同意费率后才能提交"))])


def _today() -> date:
    return business_date(now())
