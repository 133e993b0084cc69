"""The portal's side of the bench: one day fetched, read, compared and judged. Run as a program of its own."""

import csv
import hashlib
import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from bench.stand import secrets_for_one_run
from bench.wechat_side import WechatSide
from portal.config import Settings
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.reconciliation import flows
from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from portal.wallets.wechat.connector import WechatConnector


def with_bill(wallet: WechatConnector, bill: Path) -> WechatConnector:
    """The real connector, whose bill lies on this machine already: downloading is nobody's to measure."""

    def fetch_bill(wanted: BillToFetch, *, into: BinaryIO) -> BillAnswer:
        if wanted.kind is not BillKind.TRADES:
            return BillAnswer(BillState.EMPTY)
        with bill.open("rb") as file:
            shutil.copyfileobj(file, into, 1 << 20)
        return BillAnswer(BillState.READY, size=bill.stat().st_size, sha256=hashlib.sha256().hexdigest())

    wallet.fetch_bill = fetch_bill  # type: ignore[method-assign]
    return wallet


def main(bill: str, url: str, day: str, target: str) -> None:
    """Reconcile, then write the differences that the portal has written down as CSV."""
    wallet = connectors({"wechat": WechatSide().section()})[Acquirer.WECHAT]
    assert isinstance(wallet, WechatConnector)
    kept = secrets_for_one_run()
    database = Database(url, pool_size=2)
    with tempfile.TemporaryDirectory(prefix="yima-bench-") as folder:
        settings = Settings(
            portal_url="http://127.0.0.1:8000",
            data_dir=Path(folder),
            database_url=url,
            database_staff_url=url,
            database_direct_url=url,
            secrets=kept,
            wallets={},
        )
        wallets = {Acquirer.WECHAT: with_bill(wallet, Path(bill))}
        tools = Tools(settings=settings, database=database, keyring=Keyring(kept), wallets=wallets, sms=None)
        wanted = date.fromisoformat(day)
        morning = datetime(wanted.year, wanted.month, wanted.day, 3, tzinfo=UTC) + timedelta(days=1)
        flows.reconcile(tools, wanted, now=morning)
    with database.transaction() as session, Path(target).open("w", encoding="utf-8", newline="") as file:
        found = session.execute(
            sa.text("SELECT difference, number, bill_amount, our_amount FROM bill_items WHERE day = :day"),
            {"day": wanted},
        )
        csv.writer(file).writerows(found)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
