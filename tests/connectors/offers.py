"""Which wires of the contract suite offer what not every wallet has to."""

from portal.wallets.jdpay.connector import JdConnector
from portal.wallets.port import Ability
from portal.wallets.wechat.connector import WechatConnector

WIRES = {"wechat": WechatConnector, "jdpay": JdConnector, "jd_v2": JdConnector}


def offering(ability: Ability) -> list[str]:
    """The names of the sides (see conftest.py) whose connector offers it."""
    return [name for name, connector in WIRES.items() if ability in connector.offers]
