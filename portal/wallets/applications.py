"""What the portal asks of a wallet about a new sub-merchant, and what the wallet answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class ApplicationState(StrEnum):
    """Where an application stands at one wallet."""

    NOT_SENT = "not_sent"
    SENDING = "sending"
    UNKNOWN = "unknown"
    AUDITING = "auditing"
    REJECTED = "rejected"
    TO_BE_CONFIRMED = "to_be_confirmed"
    TO_BE_SIGNED = "to_be_signed"
    OPENING = "opening"
    FINISHED = "finished"
    CANCELED = "canceled"


class Document(StrEnum):
    """The names of an application's pictures: keys of `ApplicationToSend.pictures`. What is missing is not sent."""

    LICENCE = "licence"
    ID_FRONT = "id_front"
    ID_BACK = "id_back"
    STOREFRONT = "storefront"
    INTERIOR = "interior"
    BANK_CARD = "bank_card"


@dataclass(frozen=True)
class Picture:
    """One document of an application, as bytes ready for upload."""

    filename: str
    content: bytes = field(repr=False)
    media_type: str = "image/jpeg"


@dataclass(frozen=True)
class ApplicationToSend:
    """An individual business (个体工商户) that wants a sub-merchant number.

    `reference` is our number for this application at this wallet and stays the same on every retry. `progress` is what
    an earlier `apply` or `application_status` answered, handed back unchanged (JD works in several steps).
    """

    reference: str
    shop_name: str
    licence_name: str
    licence_number: str
    licence_address: str
    legal_person: str
    id_number: str = field(repr=False)
    id_valid_from: date
    id_valid_until: date | None
    mobile: str = field(repr=False)
    email: str
    bank_name: str
    bank_account_name: str
    bank_account_number: str = field(repr=False)
    store_address: str
    region_code: str
    fee_rate_bp: int
    pictures: Mapping[str, Picture] = field(default_factory=dict, repr=False)
    progress: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ApplicationAnswer:
    """What the wallet says of an application. `sub_merchant_no` and `keys` are set once it is finished.

    `progress` must be stored and handed back on the next call; it holds the wallet's own numbers, no secrets.
    """

    state: ApplicationState
    sub_merchant_no: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    progress: Mapping[str, str] = field(default_factory=dict)
    sign_url: str | None = None
    reasons: tuple[str, ...] = ()
