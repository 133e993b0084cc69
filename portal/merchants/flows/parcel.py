"""An application as a wallet gets it: answers opened, number opened, pictures read."""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from portal.identity import queries as people
from portal.identity.rules import phone_place
from portal.merchants import answers as halves
from portal.merchants import queries
from portal.merchants.queries import ApplicationRow, WalletApplicationRow
from portal.plumbing.storage import documents
from portal.plumbing.work import Tools
from portal.values.errors import NotAllowedNow
from portal.wallets.applications import ApplicationToSend, Picture
from portal.wallets.port import Acquirer


@dataclass(frozen=True)
class Errand:
    """Which application a job is about, and at which wallet."""

    merchant_id: int
    application_id: int
    acquirer: Acquirer

    @property
    def lock(self) -> str:
        """Jobs about one merchant at one wallet run in turn."""
        return f"application-{self.merchant_id}-{self.acquirer}"

    def arguments(self) -> dict[str, Any]:
        """As plain values for the queue."""
        return {
            "merchant_id": self.merchant_id,
            "application_id": self.application_id,
            "acquirer": str(self.acquirer),
        }


def parcel(
    tools: Tools, errand: Errand, standing: WalletApplicationRow, *, with_pictures: bool = True
) -> ApplicationToSend:
    """Everything the wallet port asks for. Reads pictures outside of any transaction."""
    application, phone = _read(tools, errand)
    given = halves.opened(
        tools.keyring,
        merchant_id=errand.merchant_id,
        application_id=errand.application_id,
        plain=application.plain,
        sealed=application.sealed,
    )
    store = documents(tools.settings, tools.keyring)
    pictures = {
        kind: Picture(f"{kind}.jpg", store.get(name)) for kind, name in given.documents.items() if with_pictures
    }
    return ApplicationToSend(
        reference=standing.reference,
        shop_name=given.shop_name,
        licence_name=given.licence_name,
        licence_number=given.licence_number,
        licence_address=given.licence_address,
        legal_person=given.legal_person,
        id_number=given.id_number,
        id_valid_from=cast(date, given.id_valid_from),
        id_valid_until=None if given.id_forever else given.id_valid_until,
        mobile=phone,
        email=given.email,
        bank_name=given.bank_name,
        bank_account_name=given.legal_person,
        bank_account_number=given.account_number,
        store_address=given.store_address,
        region_code=given.region_code,
        fee_rate_bp=application.rates[errand.acquirer],
        pictures=pictures,
        progress=standing.progress,
    )


def accepted_rate(tools: Tools, errand: Errand) -> int:
    """The fee rate in basis points that the owner accepted when he handed this application in."""
    application, _ = _read(tools, errand)
    return application.rates[errand.acquirer]


def _read(tools: Tools, errand: Errand) -> tuple[ApplicationRow, str]:
    with tools.database.transaction(merchant=errand.merchant_id) as session:
        application = queries.application(session, errand.merchant_id, errand.application_id)
        owner = queries.owner_id(session, errand.merchant_id)
        if application is None or owner is None:
            raise NotAllowedNow("no_such_application")
        sealed, blind = people.phone_sealed(session, owner)
    return application, tools.keyring.open(sealed, place=phone_place(blind))
