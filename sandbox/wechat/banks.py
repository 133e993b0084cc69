"""Lists of banks, provinces, cities and branches, as an application form needs them (partner docs 4012697583 and on).

A handful of entries stand for the thousands of the real lists; their codes are shaped like real ones.
"""

from collections.abc import Mapping, Sequence

from sandbox.keys import Keys
from sandbox.wechat.errors import against_the_rules, wrong_field
from sandbox.wechat.fields import Text, query_text
from sandbox.wechat.signing import open_field

Entry = dict[str, object]
MOST = 200
# Alias, alias code, account_bank, its code, whether a branch must be named, whether people bank there.
_BANKS = (
    ("工商银行", "1000009561", "工商银行", 1002, False, True),
    ("农业银行", "1000009562", "农业银行", 1005, False, True),
    ("建设银行", "1000009563", "建设银行", 1003, False, True),
    ("中国银行", "1000009564", "中国银行", 1026, False, True),
    ("招商银行", "1000009565", "招商银行", 1001, False, True),
    ("邮储银行", "1000009566", "邮储银行", 1066, False, True),
    ("北京银行", "1000006247", "其他银行", 1099, True, True),
    ("国家开发银行", "1000006300", "其他银行", 1099, True, False),
)
_BINS = {"622202": "工商银行", "622848": "农业银行", "621700": "建设银行", "621660": "中国银行", "622580": "招商银行"}
_PROVINCES = {11: "北京市", 31: "上海市", 44: "广东省"}
_CITIES = {11: {110000: "北京市"}, 31: {310000: "上海市"}, 44: {440100: "广州市", 440300: "深圳市"}}


def personal(query: Mapping[str, str]) -> Entry:
    """Banks that people have accounts with."""
    return _page([_bank(bank) for bank in _BANKS if bank[5]], query, "/v3/capital/capitallhh/banks/personal-banking")


def corporate(query: Mapping[str, str]) -> Entry:
    """Banks that businesses have accounts with."""
    return _page([_bank(bank) for bank in _BANKS], query, "/v3/capital/capitallhh/banks/corporate-banking")


def of_number(keys: Keys, query: Mapping[str, str]) -> Entry:
    """Whose a person's card number is; the number comes encrypted. Nothing is found for most of them."""
    sealed = query_text(query, "account_number", Text(1024))
    try:
        number = open_field(keys.wechat_key, sealed)
    except ValueError:
        raise wrong_field("account_number", "平台私钥解密失败", location="query") from None
    name = _BINS.get(number[:6])
    found = [_bank(bank) for bank in _BANKS if bank[0] == name]
    return {"total_count": len(found), "data": found}


def provinces() -> Entry:
    """The provinces."""
    data = [{"province_name": name, "province_code": code} for code, name in _PROVINCES.items()]
    return {"total_count": len(data), "data": data}


def cities(province_code: str) -> Entry:
    """The cities of a province. Raises Refused for a strange one."""
    known = _CITIES.get(int(province_code)) if province_code.isascii() and province_code.isdigit() else None
    if known is None:
        raise wrong_field("province_code", "没有这个省份", province_code, location="url")
    data = [{"city_name": name, "city_code": code} for code, name in known.items()]
    return {"total_count": len(data), "data": data}


def branches(alias_code: str, query: Mapping[str, str]) -> Entry:
    """The branches of a bank in a city; only of banks whose branch must be named."""
    bank = next((bank for bank in _BANKS if bank[1] == alias_code and bank[4]), None)
    if bank is None:
        raise against_the_rules("该银行无需填写支行")
    city = query_text(query, "city_code", Text(10, pattern=r"\d+"))
    names = {str(code): name for cities_of in _CITIES.values() for code, name in cities_of.items()}
    if city not in names:
        raise wrong_field("city_code", "没有这个城市", city, location="query")
    data: list[Entry] = [
        {"bank_branch_name": f"{bank[0]}{names[city]}{part}支行", "bank_branch_id": f"31310{city[:4]}00{position}"}
        for position, part in enumerate(("城中", "城南", "城北"))
    ]
    page = _page(data, query, f"/v3/capital/capitallhh/banks/{alias_code}/branches")
    return page | {name: value for name, value in _bank(bank).items() if name != "need_bank_branch"}


def _bank(bank: tuple[str, str, str, int, bool, bool]) -> Entry:
    alias, alias_code, account_bank, account_bank_code, needs_branch, _ = bank
    return {
        "bank_alias": alias,
        "bank_alias_code": alias_code,
        "account_bank": account_bank,
        "account_bank_code": account_bank_code,
        "need_bank_branch": needs_branch,
    }


def _page(entries: Sequence[Entry], query: Mapping[str, str], path: str) -> Entry:
    offset, limit = _whole(query, "offset", 0, 10**6), _whole(query, "limit", 1, MOST)
    part = list(entries[offset : offset + limit])
    links = {"self": f"{path}?offset={offset}&limit={limit}"}
    if offset + limit < len(entries):
        links["next"] = f"{path}?offset={offset + limit}&limit={limit}"
    if offset:
        links["prev"] = f"{path}?offset={max(0, offset - limit)}&limit={limit}"
    return {"total_count": len(entries), "count": len(part), "offset": offset, "data": part, "links": links}


def _whole(query: Mapping[str, str], name: str, least: int, most: int) -> int:
    number = int(query_text(query, name, Text(7, pattern=r"\d+")))
    if not least <= number <= most:
        raise wrong_field(name, f"不在{least}到{most}之间", number, location="query")
    return number
