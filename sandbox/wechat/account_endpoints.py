"""The endpoints of money that has been earned: bills, bank accounts, transfers; and of certificates."""

from sandbox.wechat import banks, bill_files, bills, settlement, transfers
from sandbox.wechat.errors import Refused
from sandbox.wechat.fields import Text, query_text
from sandbox.wechat.gate import Call
from sandbox.wechat.place import NUMBER, Answer, Place, Table

_SUB_MERCHANTS = "/v3/apply4sub/sub_merchants"
_TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
_CAPITAL = "/v3/capital/capitallhh"
_APPLICATION = "/application/"


def _trade_bill(place: Place, call: Call, _: str) -> Answer:
    return 200, bills.trades(place.connection, call.mchid, call.query, _download_url(place))


def _fund_bill(place: Place, call: Call, _: str) -> Answer:
    return 200, bills.funds(place.connection, call.mchid, call.query, _download_url(place))


def _merchant_fund_bill(place: Place, call: Call, _: str) -> Answer:
    return 200, bills.merchant_funds(place.connection, place.keys, call.mchid, call.query, _download_url(place))


def _download_url(place: Place) -> str:
    return place.sandbox_url + bills.DOWNLOAD


def _download(place: Place, call: Call, _: str) -> Answer:
    return 200, bill_files.fetch(place.connection, call.mchid, query_text(call.query, "token", Text(128)))


def _settlement(place: Place, call: Call, number: str) -> Answer:
    return 200, settlement.account_of(place.connection, number, call.query.get("account_number_rule"))


def _modify_settlement(place: Place, call: Call, number: str) -> Answer:
    return 200, settlement.change(place.connection, place.keys, call.key_id, number, call.body)


def _settlement_change(place: Place, call: Call, numbers: str) -> Answer:
    sub_mchid, _, application_no = numbers.partition(_APPLICATION)
    rule = call.query.get("account_number_rule")
    return 200, settlement.change_of(place.connection, sub_mchid, application_no, rule)


def _transfer(place: Place, call: Call, _: str) -> Answer:
    return 200, transfers.create(place.connection, place.keys, call.key_id, call.body)


def _transfer_by_ours(place: Place, call: Call, number: str) -> Answer:
    return 200, transfers.find(place.connection, place.keys, "out_bill_no", number)


def _transfer_by_theirs(place: Place, call: Call, number: str) -> Answer:
    return 200, transfers.find(place.connection, place.keys, "transfer_bill_no", number)


def _cancel_transfer(place: Place, call: Call, number: str) -> Answer:
    return 200, transfers.cancel(place.connection, number)


def _personal_banks(place: Place, call: Call, _: str) -> Answer:
    return 200, banks.personal(call.query)


def _corporate_banks(place: Place, call: Call, _: str) -> Answer:
    return 200, banks.corporate(call.query)


def _bank_of_number(place: Place, call: Call, _: str) -> Answer:
    return 200, banks.of_number(place.keys, call.query)


def _provinces(place: Place, call: Call, _: str) -> Answer:
    return 200, banks.provinces()


def _cities(place: Place, call: Call, number: str) -> Answer:
    return 200, banks.cities(number)


def _branches(place: Place, call: Call, number: str) -> Answer:
    return 200, banks.branches(number, call.query)


def _certificates(place: Place, call: Call, _: str) -> Answer:
    """A provider that verifies by public key has no platform certificates."""
    raise Refused(500, "SYSTEM_ERROR", "系统繁忙，请稍后重试")


TABLE: Table = (
    ("GET", "/v3/bill/tradebill", _trade_bill),
    ("GET", "/v3/bill/fundflowbill", _fund_bill),
    ("GET", "/v3/bill/sub-merchant-fundflowbill", _merchant_fund_bill),
    ("GET", "/v3/billdownload/file", _download),
    ("GET", f"{_SUB_MERCHANTS}/{NUMBER}/settlement", _settlement),
    ("POST", f"{_SUB_MERCHANTS}/{NUMBER}/modify-settlement", _modify_settlement),
    ("GET", f"{_SUB_MERCHANTS}/([^/]+{_APPLICATION}[^/]+)", _settlement_change),
    ("POST", _TRANSFERS, _transfer),
    ("GET", f"{_TRANSFERS}/out-bill-no/{NUMBER}", _transfer_by_ours),
    ("GET", f"{_TRANSFERS}/transfer-bill-no/{NUMBER}", _transfer_by_theirs),
    ("POST", f"{_TRANSFERS}/out-bill-no/{NUMBER}/cancel", _cancel_transfer),
    ("GET", f"{_CAPITAL}/banks/personal-banking", _personal_banks),
    ("GET", f"{_CAPITAL}/banks/corporate-banking", _corporate_banks),
    ("GET", f"{_CAPITAL}/banks/search-banks-by-bank-account", _bank_of_number),
    ("GET", f"{_CAPITAL}/banks/{NUMBER}/branches", _branches),
    ("GET", f"{_CAPITAL}/areas/provinces", _provinces),
    ("GET", f"{_CAPITAL}/areas/provinces/{NUMBER}/cities", _cities),
    ("GET", "/v3/certificates", _certificates),
)
