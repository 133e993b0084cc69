"""A wallet's bill in the portal's own words: which file, how it came, and what one line of it says.

A bill is fetched to a file and read line by line; nobody ever holds a whole one in memory. Amounts are whole fen.
Fees are Decimal fen, because WeChat Pay writes them with up to five decimals of a yuan (partner docs 4013080595).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from portal.wallets.parties import Acquirer, Contract, Wallet


class BillKind(StrEnum):
    """`trades`: what was paid and refunded. `funds`: the money that moved on the provider's own accounts.

    `merchant_funds`: the money that moved on a sub-merchant's account, and so what was really paid out to its bank.
    """

    TRADES = "trades"
    FUNDS = "funds"
    MERCHANT_FUNDS = "merchant_funds"


@dataclass(frozen=True)
class BillToFetch:
    """One bill of one Beijing day. `contract` is needed for `merchant_funds`, and where a merchant has its own bill."""

    kind: BillKind
    day: date
    contract: Contract | None = None


class BillState(StrEnum):
    """`not_ready`: ask again in half an hour. `empty`: nothing happened that day, which is an answer too.

    `not_permitted`: the wallet does not report this to us; say so, and never show it as zero.
    """

    READY = "ready"
    NOT_READY = "not_ready"
    EMPTY = "empty"
    NOT_PERMITTED = "not_permitted"


@dataclass(frozen=True)
class BillAnswer:
    """How the fetch ended. When `ready`, the file given holds the plain bill, `size` bytes, its digest checked."""

    state: BillState
    size: int = 0
    sha256: str = ""


class LineKind(StrEnum):
    """What a line of a trade bill is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    REVOCATION = "revocation"


@dataclass(frozen=True)
class TradeLine:
    """One payment or refund as the wallet booked it. `amount` is gross fen, `payer_amount` what the payer gave or got.

    `fee` is positive where the merchant pays it and negative where it is given back. `state` is our word.
    `description` is what the payer was shown.
    """

    acquirer: Acquirer
    kind: LineKind
    sub_merchant_no: str
    order_no: str
    transaction_id: str
    at: datetime
    amount: int
    payer_amount: int
    fee: Decimal
    state: str
    wallet: Wallet = Wallet.UNKNOWN
    refund_no: str | None = None
    wallet_refund_no: str | None = None
    description: str = ""


@dataclass(frozen=True)
class TradeSummary:
    """The bill's own last line: how many, and how much, in fen. `None` where a wallet's bill has no such line."""

    count: int
    amount: int
    refunded: int
    fee: Decimal


@dataclass(frozen=True)
class BulkSum:
    """Between which two numbers the sum of a column of a bulk query must lie, both included."""

    column: str
    least: int
    most: int


@dataclass(frozen=True)
class BulkTrades:
    """All lines of a trade bill as one query for DuckDB, to be believed only when nothing in it is odd.

    Its columns are those of TradeLine, `line` counting from 1, `moment` for `at` in microseconds, `fee` in
    hundred-thousandths of a yuan, and `odd`. Whoever runs it checks that there are `count` lines, that none is odd, and
    that the sums are right; else the bill is read line by line.
    """

    query: str
    count: int
    sums: tuple[BulkSum, ...]


@dataclass(frozen=True)
class FundLine:
    """One movement on an account. `amount` in fen, positive for money in; `balance` after it.

    `business_no` is the wallet's number of what moved the money, `voucher_no` mostly ours (an order, a refund).
    `is_payout`: the money went to the account's own bank.
    """

    at: datetime
    business: str
    kind: str
    amount: int
    balance: int
    flow_no: str
    business_no: str
    remark: str = ""
    voucher_no: str = ""
    is_payout: bool = False


class BillUnreadable(ValueError):
    """A bill whose columns, values or sums are not what the wallet's description says. `line` counts from 1."""

    def __init__(self, reason: str, *, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line
