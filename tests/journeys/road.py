"""The steps of the road, each as a person does it in the browser."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import requests
from playwright.sync_api import Page
from stdnum import luhn
from stdnum.cn import ric, uscc

from tests.journeys.documents import drawn
from tests.journeys.running import Running

PASSWORD = "苹果香蕉橘子葡萄2026"
_PATIENCE = 60


def register(page: Page, running: Running, *, phone: str, shop: str) -> None:
    """From nothing to a signed-in owner on the application's page."""
    page.goto(f"{running.portal}/register")
    page.locator("input[name=phone]").fill(phone)
    submit(page)
    page.locator("input[name=code]").fill(running.sms_code(f"+86{phone}"))
    page.locator("input[name=shop_name]").fill(shop)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=accept]").check()
    submit(page)
    page.wait_for_url("**/application")


@dataclass(frozen=True)
class InventedPerson:
    """A person and papers that check out and belong to nobody."""

    name: str
    id_number: str
    licence: str
    card: str


def invented_person(name: str, seed: int) -> InventedPerson:
    """Numbers with right check digits."""
    id_stem, licence_stem, card_stem = (
        f"33010619950515{seed:03d}",
        f"92330106MA2DEMP{seed:02d}",
        f"6222021203004{seed:05d}",
    )
    return InventedPerson(
        name=name,
        id_number=id_stem + ric.calc_check_digit(f"{id_stem}0"),
        licence=licence_stem + uscc.calc_check_digit(licence_stem),
        card=card_stem + luhn.calc_check_digit(card_stem),
    )


def sign_in(page: Page, running: Running, person: dict[str, str]) -> None:
    """Number and password."""
    page.goto(f"{running.portal}/login")
    fill(page, phone=person["phone"], password=person["password"])
    submit(page)
    page.wait_for_url(lambda url: "/login" not in url)


def apply(page: Page, *, shop: str, person: InventedPerson) -> None:
    """Fill in the four steps and hand the application in."""
    submit(page)
    fill(
        page, licence_name=f"杭州市上城区{shop}", licence_number=person.licence, licence_address="杭州市城东菜市场 D07"
    )
    upload(page, "licence")
    submit(page)
    fill(
        page,
        legal_person=person.name,
        id_number=person.id_number,
        id_valid_from="2020-01-01",
        id_valid_until="2040-01-01",
    )
    upload(page, "id_front", "id_back")
    submit(page)
    fill(page, account_number=person.card)
    page.locator("select[name=bank_name]").select_option("工商银行")
    submit(page)
    fill(page, store_address="城东菜市场 D07", email="owner@example.com")
    page.locator("select[name=region_code]").select_option(index=1)
    upload(page, "storefront", "interior")
    submit(page)
    if "/check" not in page.url:
        page.locator(".bar a").first.click()
    page.locator("input[name=accept]").check()
    submit(page)
    page.wait_for_url("**/application")


def wait_until_open(page: Page, running: Running) -> None:
    """Reload as an impatient owner does, until both wallets are open."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        page.goto(f"{running.portal}/application")
        if page.get_by_text("已开通").count() >= 2:
            return
        time.sleep(1)
    raise AssertionError(f"not opened in {_PATIENCE} s: {page.locator('main').inner_text()}")


def fetch(page: Page, url: str) -> bytes:
    """A file behind the page's sign-in, as the browser would download it."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    answer = requests.get(url, cookies=cookies, timeout=60)
    assert answer.status_code == requests.codes.ok, f"{url} answered {answer.status_code}"
    return answer.content


def fill(page: Page, **values: str) -> None:
    """Type into the fields by their names."""
    for name, value in values.items():
        page.locator(f"[name={name}]").fill(value)


def upload(page: Page, *names: str) -> None:
    """Choose a drawn picture for each upload."""
    for name in names:
        page.locator(f"input[name={name}]").set_input_files(drawn(name))


def submit(page: Page) -> None:
    """Press the page's one main button and wait for what comes."""
    with page.expect_navigation():
        page.locator(".bar button, main button[type=submit], main button:not([type])").first.click()


def approve(page: Page, running: Running, *, shop: str) -> None:
    """The reviewer opens the application from the queue and lets it pass."""
    page.goto(f"{running.portal}/staff/applications")
    page.get_by_role("link", name=shop).first.click()
    page.get_by_role("link", name="打开").first.click()
    page.locator("details.sure summary").click()
    with page.expect_navigation():
        page.locator(".sure__body button").click()


def open_code(page: Page, running: Running, *, name: str) -> bytes:
    """A new portal code, and its plate as the owner downloads it."""
    page.goto(f"{running.portal}/codes/new")
    fill(page, name=name)
    submit(page)
    href = page.locator("a[href$='plate.pdf']").first.get_attribute("href")
    return fetch(page, f"{running.portal}{href}")


def pay_with_wechat(page: Page, running: Running, plate: bytes, *, yuan: str) -> None:
    """On the phone: scan the very plate, type the amount, confirm on the sheet, see that it is paid."""
    page.goto(f"{running.sandbox}/phone")
    glass = page.frame_locator("#screen")
    # A picked file is sent at once; the button beside it is for a phone without script.
    glass.locator("#file").set_input_files({"name": "plate.pdf", "mimeType": "application/pdf", "buffer": plate})
    glass.locator("#amount").fill(yuan)
    glass.locator("#go").click()
    glass.get_by_role("button", name="确认付款").click()
    glass.get_by_role("button", name="完成").click()
    glass.get_by_text("已付款").first.wait_for()


def refund(page: Page, running: Running, *, payment_no: str, yuan: str) -> None:
    """The owner gives part of a payment back, in two pages."""
    page.goto(f"{running.portal}/receipts/{payment_no}/refund")
    fill(page, amount=yuan)
    page.locator("input[name=reason]").first.check()
    submit(page)
    with page.expect_navigation():
        page.get_by_role("button", name=f"确认退款 ¥{yuan}").click()


def eventually(question: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
    """Wait for something another process does."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if question():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what}")
