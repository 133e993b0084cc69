"""Registering, and the conversations with the wallets about an application."""

from portal.merchants.flows.following import FOLLOW_APPLICATION, follow_application
from portal.merchants.flows.registering import Newcomer, Registration, register
from portal.merchants.flows.sending import SEND_APPLICATION, send_application

__all__ = [
    "FOLLOW_APPLICATION",
    "SEND_APPLICATION",
    "Newcomer",
    "Registration",
    "follow_application",
    "register",
    "send_application",
]
