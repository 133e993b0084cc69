"""A small language for what a request may contain, and the examiner that reads a body against it.

WeChat Pay names the field that is wrong by a JSON pointer, says why, and answers 400 PARAM_ERROR. Null is never
allowed, nor a character outside the basic plane (partner docs 4012081726). A field nobody knows is refused as well
("extra parameter" is one of the numeric causes): the usual reason is a misspelt name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.wechat.errors import Cause, bad_parameter, wrong_field

Unseal = Callable[[str], str]
_MISSING = {"sub_mchid": Cause.SUB_MCHID_MISSING}


@dataclass(frozen=True)
class Text:
    """A non-empty string of at most `limit` characters (or `limit` bytes when `in_bytes`)."""

    limit: int
    required: bool = False
    pattern: str = r"[\s\S]+"
    one_of: tuple[str, ...] = ()
    least: int = 1
    in_bytes: bool = False


@dataclass(frozen=True)
class Number:
    """A whole number."""

    required: bool = False
    least: int = 0
    most: int = 2**53


@dataclass(frozen=True)
class Flag:
    """true or false."""

    required: bool = False


@dataclass(frozen=True)
class Sealed:
    """Base64 of an RSA-OAEP ciphertext; `plausible` judges the plain text."""

    required: bool = False
    plausible: Callable[[str], bool] = bool


@dataclass(frozen=True)
class Group:
    """An object."""

    fields: "Mapping[str, Rule]"
    required: bool = False


@dataclass(frozen=True)
class Many:
    """An array of at most `most` items, never empty."""

    item: "Rule"
    required: bool = False
    most: int = 50


Rule = Text | Number | Flag | Sealed | Group | Many


def no_unsealing(sealed: str) -> str:
    """For bodies without sensitive fields."""
    raise ValueError("This request has no sensitive fields.")


@dataclass
class Examiner:
    """Reads one body. `plain` collects the opened sensitive fields by pointer."""

    unseal: Unseal = no_unsealing
    plain: dict[str, str] = field(default_factory=dict)

    def check(self, rule: Rule, value: object, pointer: str = "") -> None:
        """Raises Refused (400 PARAM_ERROR) for the first thing that is wrong."""
        match rule:
            case Text():
                _check_text(rule, value, pointer)
            case Number():
                _check_number(rule, value, pointer)
            case Flag():
                if not isinstance(value, bool):
                    raise wrong_field(pointer, "不是布尔值", value)
            case Sealed():
                self._check_sealed(rule, value, pointer)
            case Group():
                self._check_group(rule, value, pointer)
            case Many():
                self._check_many(rule, value, pointer)

    def _check_group(self, rule: Group, value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            raise wrong_field(pointer or "/", "不是JSON对象", value)
        for name in value.keys() - rule.fields.keys():
            issue = "是接口文档中没有的参数"
            raise wrong_field(f"{pointer}/{name}", issue, value[name], cause=Cause.EXTRA_PARAMETER)
        for name, inner in rule.fields.items():
            if name in value:
                self.check(inner, value[name], f"{pointer}/{name}")
            elif inner.required:
                issue = f"映射到字段“{name}”必填性规则校验失败，此字段为必填项"
                raise wrong_field(f"{pointer}/{name}", issue, cause=_MISSING.get(name, Cause.ILLEGAL_PARAMETER))

    def _check_many(self, rule: Many, value: object, pointer: str) -> None:
        if not isinstance(value, list):
            raise wrong_field(pointer, "不是数组", value)
        if not 1 <= len(value) <= rule.most:
            raise wrong_field(pointer, f"数组长度不在1到{rule.most}之间", len(value))
        for index, item in enumerate(value):
            self.check(rule.item, item, f"{pointer}/{index}")

    def _check_sealed(self, rule: Sealed, value: object, pointer: str) -> None:
        if not isinstance(value, str):
            raise wrong_field(pointer, "不是字符串", value)
        try:
            plain = self.unseal(value)
        except ValueError:
            raise wrong_field(pointer, "平台私钥解密失败：请用Wechatpay-Serial所指的微信支付公钥加密") from None
        if not rule.plausible(plain):
            raise wrong_field(pointer, "解密后的内容不符合此字段的格式")
        self.plain[pointer] = plain


def refuse_nulls_and_rare_characters(value: object, pointer: str = "") -> None:
    """Walks a parsed body. Raises Refused for null and for characters of four UTF-8 bytes."""
    if value is None:
        raise wrong_field(pointer or "/", "不允许为null")
    if isinstance(value, str) and re.search(r"[\ud800-\udfff\U00010000-\U0010ffff]", value):
        raise wrong_field(pointer or "/", "含有4字节的UTF-8字符")
    if isinstance(value, dict):
        for name, inner in value.items():
            refuse_nulls_and_rare_characters(inner, f"{pointer}/{name}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_nulls_and_rare_characters(inner, f"{pointer}/{index}")


def query_text(query: Mapping[str, str], name: str, rule: Text) -> str:
    """A query parameter read against a rule. Raises Refused (400 PARAM_ERROR)."""
    value = query.get(name)
    if value is None:
        raise wrong_field(name, f"映射到字段“{name}”必填性规则校验失败，此字段为必填项", location="query")
    if len(value) > rule.limit or not re.fullmatch(rule.pattern, value):
        raise wrong_field(name, "不符合格式要求", value, location="query")
    return value


def _check_text(rule: Text, value: object, pointer: str) -> None:
    if not isinstance(value, str):
        raise wrong_field(pointer, "不是字符串", value)
    length = len(value.encode()) if rule.in_bytes else len(value)
    if length < rule.least:
        raise wrong_field(pointer, f"字符串长度小于最小长度 {rule.least}", value)
    if length > rule.limit:
        raise wrong_field(pointer, f"字符串长度大于最大长度 {rule.limit}", value)
    if rule.one_of and value not in rule.one_of:
        raise wrong_field(pointer, "枚举值不在可选范围内", value)
    if not re.fullmatch(rule.pattern, value):
        raise wrong_field(pointer, "不符合格式要求", value)


def _check_number(rule: Number, value: object, pointer: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_field(pointer, "不是整数", value)
    if value < rule.least:
        raise wrong_field(pointer, f"映射到数值字段值低于最小值 {rule.least}", value, cause=Cause.OUT_OF_RANGE)
    if value > rule.most:
        raise wrong_field(pointer, f"映射到数值字段值高于最大值 {rule.most}", value, cause=Cause.OUT_OF_RANGE)


def refuse_other_provider(claimed: object, mchid: str) -> None:
    """The body's sp_mchid must be the number that signed. Raises Refused (400 PARAM_ERROR)."""
    if claimed != mchid:
        raise bad_parameter("商户号不一致：sp_mchid与Authorization中的mchid不同")
