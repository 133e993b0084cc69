"""The decision, in one place: who may call each route. A route that is not here fails the build."""

from portal.plumbing.web import Audience

AUDIENCES: dict[str, Audience] = {
    "identity.login": Audience.EVERYONE,
    "identity.logout": Audience.EVERYONE,
    "identity.forgot": Audience.EVERYONE,
    "identity.reset": Audience.EVERYONE,
    "identity.reset_again": Audience.EVERYONE,
    "identity.terms": Audience.EVERYONE,
    "identity.choose_look": Audience.EVERYONE,
    "merchants.register": Audience.EVERYONE,
    "merchants.register_code": Audience.EVERYONE,
    "merchants.register_again": Audience.EVERYONE,
    "healthz": Audience.EVERYONE,
    "readyz": Audience.EVERYONE,
    "merchants.application": Audience.OWNER,
    "merchants.start": Audience.OWNER,
    "merchants.check": Audience.OWNER,
    "merchants.step": Audience.OWNER,
    "merchants.picture": Audience.OWNER,
    "merchants.records": Audience.OWNER,
    "merchants.settings": Audience.MEMBER,
    "merchants.devices": Audience.MEMBER,
    "merchants.sign_out_devices": Audience.MEMBER,
}
# Addresses whose value is not a merchant's own thing.
OPEN_TO_ANY_MEMBER: frozenset[str] = frozenset({"merchants.step"})
# A value for every kind of argument: of another shop, or of nobody.
VALUES = {"document": "licence", "step": "licence"}
