"""Which bills there are to a day, where their files lie, and how they are fetched."""

import hashlib
import logging
import os
from datetime import date, datetime

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.plumbing.work import Tools
from portal.reconciliation import operations
from portal.reconciliation.queries import BatchKey
from portal.reconciliation.reading import Folder
from portal.values.day import day_bounds
from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer, Contract

log = logging.getLogger("portal.reconciliation")

THERE = (BillState.READY, BillState.EMPTY)
FUNDS = (BillKind.FUNDS, BillKind.MERCHANT_FUNDS)


def wanted(tools: Tools, day: date) -> dict[BatchKey, Contract | None]:
    """The bills there are to a day.

    WeChat Pay's trade bill tells of everybody; what was paid out stands in the provider's and each merchant's own fund
    bill. JD makes one trade bill for each merchant and none of funds.
    """
    _, ends = day_bounds(day)
    found: dict[BatchKey, Contract | None] = {}
    with tools.database.transaction() as session:
        for acquirer in tools.wallets:
            rows = merchants.contracts_with(session, acquirer, before=ends)
            if acquirer is Acquirer.WECHAT and rows:
                found[BatchKey(acquirer, day, BillKind.TRADES, "")] = None
                found[BatchKey(acquirer, day, BillKind.FUNDS, "")] = None
            own = BillKind.MERCHANT_FUNDS if acquirer is Acquirer.WECHAT else BillKind.TRADES
            for merchant_id, row in rows:
                contract = open_contract(tools.keyring, merchant_id=merchant_id, row=row)
                found[BatchKey(acquirer, day, own, row.sub_merchant_no)] = contract
    return found


def folder_of(tools: Tools, day: date) -> Folder:
    """Where the files of a day's bills lie."""
    path = tools.settings.data_dir / "bills" / day.isoformat()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Folder(path)


def name_of(key: BatchKey) -> str:
    """A merchant's number is the wallet's own text, so a file is named by its digest."""
    own = hashlib.sha256(key.sub_merchant_no.encode()).hexdigest()[:20] if key.sub_merchant_no else "all"
    return f"{key.acquirer}-{key.kind}-{own}"


def fetch_one(tools: Tools, key: BatchKey, contract: Contract | None, *, now: datetime) -> None:
    """Ask for one bill and note what the wallet said; the file is there whole or not at all."""
    folder, name = folder_of(tools, key.day), name_of(key)
    part = folder.scratch(name)
    try:
        with part.open("w+b") as file:
            port = tools.wallets[Acquirer(key.acquirer)]
            answer = port.fetch_bill(BillToFetch(BillKind(key.kind), key.day, contract), into=file)
            file.flush()
            os.fsync(file.fileno())
        if answer.state in THERE:
            os.replace(part, folder.bill(name))
        _note(tools, key, answer, now=now)
    except WalletError as error:
        log.warning("the bill %s of %s cannot be had: %s", name, key.day, error.code)
        with tools.database.transaction() as session:
            operations.note_answer(session, key, answer="failed", trouble=error.code, now=now)
    finally:
        part.unlink(missing_ok=True)


def _note(tools: Tools, key: BatchKey, answer: BillAnswer, *, now: datetime) -> None:
    with tools.database.transaction() as session:
        operations.note_answer(session, key, answer=answer.state.value, size=answer.size, sha256=answer.sha256, now=now)
