"""What the tests of killed processes have to sell."""

from datetime import datetime

from tests.factories.payments import add_payment
from tests.machine.world import World


def sold(world: World, amount: int, at: datetime) -> str:
    return add_payment(world.parties.database, world.keyring, merchant_id=world.merchant_id, amount=amount, now=at)
