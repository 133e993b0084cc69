"""A day's bill against the live database with pandas, tuned as its documentation advises. Run as a program of its own.

pandas, "Scaling to large datasets": load less data (`usecols`), use efficient types (`category`). "IO tools": the
multithreaded pyarrow engine reads CSV fastest; for databases ADBC drivers "should provide the best performance, null
handling, and type detection". Whole fen from the very first, so that nothing has to be rounded.
"""

import sys
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd

_COLUMNS = ["特约商户号", "商户订单号", "交易状态", "订单金额", "手续费"]
_NAMES = dict(zip(_COLUMNS, ["merchant_no", "number", "bill_state", "bill_amount", "bill_fee"], strict=True))
_KEY = ["merchant_no", "number"]
_OURS = """
SELECT p.sub_merchant_no AS merchant_no, coalesce(p.acquirer_order_no, p.payment_no) AS number, p.state AS our_state,
    booked.amount AS our_amount, kept.amount AS our_fee,
    p.business_date = DATE '{day}' AND p.state = 'success' AS due
FROM payments p
LEFT JOIN transfers booked
    ON booked.merchant_id = p.merchant_id AND booked.ref = p.payment_no AND booked.kind = 'payment'
LEFT JOIN transfers kept ON kept.merchant_id = p.merchant_id AND kept.ref = p.payment_no AND kept.kind = 'fee'
WHERE p.acquirer = 'wechat' AND p.source <> 'interconnect'
    AND coalesce(p.paid_at, p.created_at) >= (TIMESTAMP '{day}' AT TIME ZONE 'Asia/Shanghai') - INTERVAL '3 days'
    AND coalesce(p.paid_at, p.created_at) < (TIMESTAMP '{day}' AT TIME ZONE 'Asia/Shanghai') + INTERVAL '4 days'
"""


def read_bill(path: Path) -> pd.DataFrame:
    """The lines of the bill without its two lines of sums, amounts in fen."""
    bill = pd.read_csv(
        path, engine="pyarrow", usecols=_COLUMNS, dtype="string[pyarrow]", on_bad_lines=lambda row: "skip"
    ).rename(columns=_NAMES)
    for name in bill.columns:
        bill[name] = bill[name].str.slice(1)
    for name in ("bill_amount", "bill_fee"):
        bill[name] = (bill[name].astype("float64") * 100).round().astype("int64")
    return bill.astype({"bill_state": "category"})


def read_ours(url: str, day: str) -> pd.DataFrame:
    """Our payments of the days around, with what the ledger booked for them."""
    with adbc.connect(url) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        ours = pd.read_sql(_OURS.format(day=day), connection, dtype_backend="pyarrow")
    return ours.astype({"merchant_no": "string[pyarrow]", "number": "string[pyarrow]", "our_state": "category"})


def differences(bill: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """What differs: difference, number, the bill's fen and ours."""
    again = bill.duplicated(_KEY)
    twice = bill[again].assign(difference="duplicate", our_amount=pd.NA)
    both = bill[~again].merge(ours, on=_KEY, how="outer", indicator=True, sort=False)
    only_there, only_here = both["_merge"] == "left_only", (both["_merge"] == "right_only") & both["due"]
    matched = both["_merge"] == "both"
    unpaid = matched & (both["our_state"] != "success")
    wrong = matched & ~unpaid & (both["bill_amount"] != both["our_amount"])
    fees = matched & ~unpaid & ~wrong & (both["bill_fee"] != both["our_fee"])
    found = [
        both[chosen].assign(difference=name)
        for name, chosen in {
            "channel_only": only_there,
            "local_only": only_here,
            "status": unpaid,
            "amount": wrong,
            "fee": fees,
        }.items()
    ]
    found[2] = found[2].assign(our_amount=0)
    return pd.concat([*found, twice])[["difference", "number", "bill_amount", "our_amount"]]


def main(bill: str, url: str, day: str, target: str) -> None:
    """Write the differences as CSV."""
    differences(read_bill(Path(bill)), read_ours(url, day)).to_csv(target, index=False, header=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
