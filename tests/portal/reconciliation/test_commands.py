"""`flask --app app bills`: for the operator, with a bar, and an exit code that tells."""

from collections.abc import Callable

from flask import Flask

from portal.wallets.port import Acquirer
from tests.factories.bills import Line, wechat_bill
from tests.factories.wallets import ScriptedWallet
from tests.portal.reconciliation.conftest import DAY


def test_fetch_tells_what_came(app: Flask, wallets: dict[Acquirer, ScriptedWallet], paid: Callable[..., Line]) -> None:
    wallets[Acquirer.WECHAT].script["fetch_bill"] = wechat_bill(paid(1000))
    told = app.test_cli_runner().invoke(args=["bills", "fetch", "--date", str(DAY)])
    assert told.exit_code == 0, told.output
    assert f"{DAY} wechat trades: awaiting_bill, bill ready, 0 lines, 0 differences open" in told.output


def test_reconcile_ends_well_only_when_every_bill_is_balanced(
    app: Flask, wallets: dict[Acquirer, ScriptedWallet], paid: Callable[..., Line]
) -> None:
    wallets[Acquirer.WECHAT].script["fetch_bill"] = wechat_bill(paid(1000))
    wish = ["bills", "reconcile", "--date", str(DAY)]
    told = app.test_cli_runner().invoke(args=wish)
    assert told.exit_code == 0, told.output
    paid(5)
    told = app.test_cli_runner().invoke(args=wish)
    assert told.exit_code == 1
    assert f"{DAY} wechat trades: unbalanced, bill ready, 1 lines, 1 differences open" in told.output
