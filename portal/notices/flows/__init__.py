"""What wallets tell, taken in; and the questions that some of it leads to."""

from portal.notices.flows.receiving import Answered, receive
from portal.notices.flows.resolving import (
    GIVE_BACK,
    Decision,
    approve_case,
    ask_about_case,
    decline_case,
    follow_refund,
    give_back,
    propose_case,
)
from portal.notices.flows.routed import receive_routed
from portal.notices.flows.settling import SETTLE, settle

__all__ = [
    "GIVE_BACK",
    "SETTLE",
    "Answered",
    "Decision",
    "approve_case",
    "ask_about_case",
    "decline_case",
    "follow_refund",
    "give_back",
    "propose_case",
    "receive",
    "receive_routed",
    "settle",
]
