"""What wallets tell, taken in; and the questions that some of it leads to."""

from portal.notices.flows.receiving import Answered, receive
from portal.notices.flows.resolving import GIVE_BACK, Decision, follow_refund, give_back
from portal.notices.flows.routed import receive_routed
from portal.notices.flows.settling import SETTLE, settle

__all__ = [
    "GIVE_BACK",
    "SETTLE",
    "Answered",
    "Decision",
    "follow_refund",
    "give_back",
    "receive",
    "receive_routed",
    "settle",
]
