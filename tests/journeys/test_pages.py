"""Every page in both languages, on a phone and on a desk, light, dark and large: axe finds nothing, nothing is cut off.

Each page names the words of its own h1, so that an error page cannot pass in its place, and has content on it. What
was seen is kept under `test-results/screens/`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from tests.chromium import sideways, violations
from tests.journeys import ledger, road, static_codes
from tests.journeys.running import ROOT, Running

SCREENS = ROOT / "test-results" / "screens"
WECHAT = "Mozilla/5.0 (Linux; Android 12; V2046A) AppleWebKit/537.36 Chrome/120.0 Mobile MicroMessenger/8.0.50"
JD = "Mozilla/5.0 (Linux; Android 12) MQQBrowser/9.0 CpayJS=UnionPay/1.0 JDJR application=JDJR-App&clientType=android"


@dataclass(frozen=True)
class Look:
    """One way to see a page."""

    name: str
    width: int
    height: int
    lang: str
    theme: str = "light"
    large: bool = False


PHONE_LOOKS = (
    Look("zh", 360, 780, "zh"),
    Look("en", 360, 780, "en"),
    Look("zh-dark", 360, 780, "zh", theme="dark"),
    Look("en-large", 360, 780, "en", large=True),
    Look("zh-desk", 1280, 800, "zh"),
)
DESK_LOOKS = (
    Look("zh", 1280, 800, "zh"),
    Look("en", 1280, 800, "en"),
    Look("zh-dark", 1280, 800, "zh", theme="dark"),
    Look("zh-phone", 360, 780, "zh"),
)


@dataclass(frozen=True)
class Spot:
    """One page: where it is, whose, its h1 in Chinese and English, and how many things must stand on it."""

    name: str
    path: str
    who: str
    zh: str
    en: str
    holds: str = ""
    least: int = 1
    agent: str = ""
    # Typed into `text` and sent: the page is the answer to a form.
    paste: str = ""


@dataclass
class Numbers:
    """What the paths are filled with."""

    shop: int
    code: str
    share: str
    paid: str
    refunded: str
    refund: str
    waiting: str
    reduced: str
    reported: str
    own_code: str
    other_code: str
    personal_code: str

    def fill(self, path: str) -> str:
        return path.format(**self.__dict__)


APPLICANT, NEWCOMER = "13700000001", "13700000002"


@pytest.fixture(scope="module")
def numbers(running: Running, browser: Browser) -> Numbers:
    """Something on every page: payments by both wallets, one refunded in part, one that nobody has finished; an
    application that waits for its reviewer, and one that is just begun."""
    shop = running.demo["shops"][0]
    address = f"{running.portal}/c/{shop['codes'][0]}"
    first = running.pay("wechat", 2680, text=address)
    second = running.pay("jdpay", 3550, text=address)
    requests.post(
        f"{running.sandbox}/phone/api/pay",
        json={"wallet": "jdpay", "text": address, "amount": 990, "outcome": "refuse"},
        timeout=60,
    )
    page = _context(browser, running, PHONE_LOOKS[0], "owner", "").new_page()
    road.refund(page, running, payment_no=second["order"], yuan="5.50")
    page.context.close()
    rows = "SELECT refund_no FROM refunds WHERE merchant_id = %s AND payment_no = %s AND state = 'success'"
    road.eventually(lambda: bool(ledger.rows(running, rows, shop["id"], second["order"])), "the refund arrived")
    refund = ledger.rows(running, rows, shop["id"], second["order"])[0][0]
    for phone, shop_name in ((APPLICANT, "阿梅早点铺"), (NEWCOMER, "胖嫂卤味")):
        page = _context(browser, running, PHONE_LOOKS[0], "", "").new_page()
        road.register(page, running, phone=phone, shop=shop_name)
        if phone == APPLICANT:
            road.apply(page, shop=shop_name, person=road.invented_person("梅阿梅", 21))
        else:
            road.submit(page)
        page.context.close()
    waiting = "SELECT payment_no FROM payments WHERE merchant_id = %s AND amount = 990"
    return Numbers(
        shop=shop["id"],
        code=shop["codes"][0],
        share=shop["rebate_tokens"][0],
        paid=first["order"],
        refunded=second["order"],
        refund=refund,
        waiting=ledger.rows(running, waiting, shop["id"])[0][0],
        **static_codes.used(running, shop),
    )


PHONE_PAGES = (
    Spot("login", "/login", "", "登录一码", "Sign in to Yima", "input[name=phone]"),
    Spot(
        "register",
        "/register",
        "",
        "您用哪个手机号注册？",
        "Which mobile number do you want to use?",
        "input[name=phone]",
    ),
    Spot(
        "forgot",
        "/forgot",
        "",
        "您注册时用哪个手机号？",
        "Which mobile number did you register with?",
        "input[name=phone]",
    ),
    Spot("terms", "/terms/service", "", "一码服务协议", "Yima service agreement", "main p", 5),
    Spot("today", "/", "owner", "阿珍水果摊", "阿珍水果摊", "main a[href^='/receipts/']", 2),
    Spot("receipts", "/receipts", "owner", "账单", "Receipts", "main a[href^='/receipts/']", 2),
    Spot("receipt", "/receipts/{paid}", "owner", "微信支付 第", "WeChat Pay", "main ol li", 2),
    Spot("receipt-refunded", "/receipts/{refunded}", "owner", "京东支付 第", "JD Pay", "main ol li", 4),
    Spot("receipt-reduced", "/receipts/{reduced}", "owner", "京东支付 第", "JD Pay", "main ol li", 4),
    Spot("receipt-reported", "/receipts/{reported}", "owner", "京东支付 第", "JD Pay", "main ol li", 2),
    Spot("refund", "/receipts/{paid}/refund", "owner", "退多少？", "How much to refund?", "input[name=amount]"),
    Spot("refund-result", "/refunds/{refund}", "owner", "退款到账了", "The refund arrived", "main li", 2),
    Spot("refunds", "/refunds", "owner", "退款记录", "Refunds", "main a[href^='/refunds/']"),
    Spot("codes", "/codes", "owner", "收款码", "My code", "main a[href^='/codes/']", 2),
    Spot("code", "/codes/1", "owner", "柜台", "柜台", "main img"),
    Spot("code-new", "/codes/new", "owner", "做一张收款码", "Make a code", "input[name=name]"),
    Spot("code-suspend", "/codes/1/suspend", "owner", "停用“柜台”？", "Pause “柜台”?", "form#suspend"),
    Spot("code-linked", "/codes/2", "owner", "原来的微信码", "原来的微信码", "main dd", 3),
    Spot("link", "/codes/link", "owner", "关联已有的微信码", "Link a WeChat code you have", "input[type=file]"),
    *(
        Spot(
            f"link-{kind}",
            "/codes/link",
            "owner",
            "这是一张微信",
            "This is a WeChat",
            "main li",
            3,
            paste=f"{{{kind}}}",
        )
        for kind in ("own_code", "other_code", "personal_code")
    ),
    Spot("rebates", "/rebates", "owner", "返现，一共赚到", "Rebates earned in all", "main dd", 2),
    Spot("settings", "/settings", "owner", "我的", "Me", "main form", 2),
    Spot(
        "devices",
        "/settings/devices",
        "owner",
        "登录的设备",
        "Where you are signed in",
        "main dd, main .row, main .card",
    ),
    Spot("records", "/settings/records", "owner", "谁看过我的资料", "Who looked at my data", "main li"),
    Spot("application", "/application", "owner", "开通收款", "Start taking payments", "main li", 4),
    Spot("application-waiting", "/application", "applicant", "开通收款", "Start taking payments", "main li", 4),
    Spot("application-tasks", "/application", "newcomer", "开通收款", "Start taking payments", "main li", 6),
    Spot(
        "application-licence",
        "/application/licence",
        "newcomer",
        "营业执照上是怎么写的？",
        "business licence say?",
        "input[name=licence_number]",
    ),
    Spot("application-person", "/application/person", "newcomer", "经营者是谁？", "Who", "input[name=id_number]"),
    Spot(
        "application-shop",
        "/application/shop",
        "newcomer",
        "店在哪里？",
        "Where is your shop?",
        "select[name=region_code]",
    ),
    Spot("today-pending", "/", "newcomer", "还差一步，开通收款", "One step left before you can be paid", "main"),
    Spot("announcer", "/announcer", "owner", "语音播报", "Announcer", "#call-state"),
    Spot("verify", "/v/{paid}", "", "这张收款是真的", "This receipt is real", "main dd", 3),
    Spot("pay-wechat", "/c/{code}", "", "阿珍水果摊", "阿珍水果摊", "#amount", agent=WECHAT),
    Spot("pay-jd", "/c/{code}", "", "阿珍水果摊", "阿珍水果摊", "#amount", agent=JD),
    Spot("pay-elsewhere", "/c/{code}", "", "阿珍水果摊", "阿珍水果摊", "li", 2),
    Spot("pay-share", "/r/{share}", "", "阿珍水果摊", "阿珍水果摊", "#amount", agent=WECHAT),
    Spot("pay-no-such-code", "/c/222222222", "", "没有这个收款码", "There is no such code", "p"),
    Spot("paid", "/o/{paid}", "", "已付款", "Paid", "dl div", 3),
    Spot("paid-refunded", "/o/{refunded}", "", "已付款", "Paid", "dl div", 3),
    Spot("waiting", "/o/{waiting}", "", "正在等钱包确认", "Waiting for the wallet", "dl div"),
    Spot("not-found", "/receipts/nothing", "owner", "没有这一页", "No such page", "p"),
)
DESK_PAGES = (
    Spot("staff-queue", "/staff/applications", "reviewer", "审核队列", "Review queue", "tbody tr"),
    Spot("staff-queue-all", "/staff/applications?state=approved", "reviewer", "审核队列", "Review queue", "tbody tr"),
    Spot("staff-application", "/staff/applications/{shop}/1", "reviewer", "阿珍水果摊", "阿珍水果摊", "img"),
    Spot("staff-search", "/staff/merchants?q=阿珍", "risk", "商户", "Merchants", "tbody tr"),
    Spot("staff-merchants", "/staff/merchants", "risk", "商户", "Merchants", "tbody tr", 2),
    Spot("staff-merchant", "/staff/merchants/{shop}", "risk", "阿珍水果摊", "阿珍水果摊", "tbody tr", 4),
    Spot(
        "staff-restrict",
        "/staff/merchants/{shop}/restrict",
        "risk",
        "限制功能",
        "Restrict",
        "textarea, input[name=reason]",
    ),
)


@pytest.fixture(scope="module")
def visit(browser: Browser, running: Running) -> Iterator[Callable[..., Page]]:
    """A page in one look; contexts are kept, so nobody signs in more than once a look."""
    contexts: dict[tuple[str, str, str], BrowserContext] = {}

    def go(spot: Spot, look: Look, path: str) -> Page:
        key = (look.name + str(look.width), spot.who, spot.agent)
        if key not in contexts:
            contexts[key] = _context(browser, running, look, spot.who, spot.agent)
        page = contexts[key].new_page()
        page.goto(f"{running.portal}{path}")
        return page

    yield go
    for context in contexts.values():
        context.close()


@pytest.mark.parametrize("look", PHONE_LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("spot", PHONE_PAGES, ids=lambda spot: spot.name)
def test_a_page_of_the_phone_is_whole(visit: Callable[..., Page], numbers: Numbers, spot: Spot, look: Look) -> None:
    page = visit(spot, look, numbers.fill(spot.path))
    if spot.paste:
        road.fill(page, text=numbers.fill(spot.paste))
        road.submit(page)
    _examine(page, spot, look)


@pytest.mark.parametrize("look", DESK_LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("spot", DESK_PAGES, ids=lambda spot: spot.name)
def test_a_page_of_the_desk_is_whole(visit: Callable[..., Page], numbers: Numbers, spot: Spot, look: Look) -> None:
    _examine(visit(spot, look, numbers.fill(spot.path)), spot, look)


def _examine(page: Page, spot: Spot, look: Look) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{spot.name}-{look.name}.png", full_page=look.width == 360)
    heading = page.locator("h1").inner_text()
    wanted = spot.zh if look.lang == "zh" else spot.en
    assert wanted in heading, f"the h1 is {heading!r}"
    assert page.locator(spot.holds or "main").count() >= spot.least, "the page holds too little"
    assert sideways(page) <= 0, "the page scrolls sideways"
    # Tall enough that no row is half under the bar at the bottom, where axe would measure only what shows.
    page.set_viewport_size({"width": look.width, "height": 4000})
    found = violations(page)
    page.close()
    assert found == []


def _context(browser: Browser, running: Running, look: Look, who: str, agent: str) -> BrowserContext:
    options: dict[str, str] = {"user_agent": agent} if agent else {}
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        locale="zh-CN" if look.lang == "zh" else "en-GB",
        color_scheme="dark" if look.theme == "dark" else "light",
        **options,  # type: ignore[arg-type]
    )
    context.set_default_timeout(15_000)
    choices = {"lang": look.lang, "type": "large" if look.large else ""}
    context.add_cookies([{"name": n, "value": v, "url": running.portal} for n, v in choices.items() if v])
    if who:
        page = context.new_page()
        newly_registered = {"applicant": APPLICANT, "newcomer": NEWCOMER}
        if who in newly_registered:
            person = {"phone": newly_registered[who], "password": road.PASSWORD}
        else:
            person = running.login(who)
        road.sign_in(page, running, person)
        page.close()
    return context
