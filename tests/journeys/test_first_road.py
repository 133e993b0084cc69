"""The whole road: register, apply, approve, print, pay with both wallets, refund, rebate; and both sides' books agree.

Expected totals are literals. The sandbox's books come from its own process with its own store.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest
import requests
from playwright.sync_api import Page

from portal.values.day import business_date
from tests.journeys import road
from tests.journeys.running import Running

PHONE = "13712345678"
SHOP = "小巷口水果店"


def test_a_stall_gets_paid_by_both_wallets_and_the_books_agree(
    running: Running, window: Callable[..., Page], sign_in: Callable[..., Page]
) -> None:
    owner = window()
    road.register(owner, running, phone=PHONE, shop=SHOP)
    road.apply(owner, shop=SHOP, person=road.invented_person("林小巷", 7))
