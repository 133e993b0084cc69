"""A whole application over the wallets' own protocols: the sandbox is another process with its own signing code."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests
from flask.testing import FlaskClient

from portal.audit.rules import Actor
from portal.merchants import operations, queries
from portal.plumbing.clock import now
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.wallets.applications import ApplicationState
from portal.wallets.registry import connectors
from tests.portal.merchants.conftest import Jobs, merchant_of

REVIEWER = Actor("staff", 900, "许静")
PATIENCE_SECONDS = 40


def test_an_approved_shop_opens_at_both_wallets(
    apply: Callable[..., FlaskClient], db: Database, tools: Tools, sandbox: str
) -> None:
    credentials: dict[str, Any] = requests.get(f"{sandbox}/credentials", timeout=10).json()
    jobs = Jobs(replace(tools, wallets=connectors(credentials)))
    browser = apply()
    merchant_id = merchant_of(db)
    with tools.database.transaction(merchant=merchant_id) as session:
        operations.approve_application(session, merchant_id=merchant_id, application_id=1, actor=REVIEWER, now=now())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while jobs.waiting() and time.monotonic() < deadline:
        jobs.run()
        time.sleep(0.2)
    with tools.database.transaction() as session:
        standings = queries.wallet_applications(session, merchant_id)
        contracts = queries.contracts(session, merchant_id)
    assert {name: (row.state, row.reason) for name, row in standings.items()} == {
        "wechat": (ApplicationState.FINISHED, ""),
        "jdpay": (ApplicationState.FINISHED, ""),
    }
    assert contracts["jdpay"].keys_sealed
    assert {row.fee_rate_bp for row in contracts.values()} == {38}
    assert "可以收款" in browser.get("/application").get_data(as_text=True)
