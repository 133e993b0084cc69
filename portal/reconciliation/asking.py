"""Ask the wallet about one difference, and have a day compared once more. Nothing is booked here."""

from datetime import date

from sqlalchemy.orm import Session

from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.payments.flows import Parties
from portal.plumbing.jobs import defer
from portal.reconciliation.agreeing import LineSort
from portal.reconciliation.answers import Answer
from portal.reconciliation.flows import AGAIN, NIGHTLY
from portal.reconciliation.queries import ItemRow
from portal.reconciliation.rules import Difference
from portal.values.errors import NotAllowedNow


def ask(parties: Parties, item: ItemRow) -> Answer:
    """What the wallet says of it now. Raises WalletError, and NotAllowedNow(`no_contract`).

    A payment that we have no order of is asked for by the wallet's own number.
    """
    if item.merchant_id is None:
        raise NotAllowedNow("no_contract")
    with parties.database.transaction(merchant=item.merchant_id) as session:
        row = merchants.contracts(session, item.merchant_id).get(item.key.acquirer)
    if row is None or row.sub_merchant_no != item.merchant_no:
        raise NotAllowedNow("no_contract")
    contract = open_contract(parties.keyring, merchant_id=item.merchant_id, row=row)
    wallet = parties.wallets[contract.acquirer]
    if item.sort == LineSort.REFUND:
        return wallet.ask_refund(contract, item.number)
    if item.difference == Difference.CHANNEL_ONLY:
        return wallet.ask_transaction(contract, item.transaction_no)
    return wallet.ask_payment(contract, item.number)


def compare_again(session: Session, day: date) -> None:
    """Have a day fetched and compared by a worker; never beside the nightly job."""
    defer(session, AGAIN, lock=NIGHTLY, day=day.isoformat())
