"""Pays like a person who needs no script: opens the page, types the amount, confirms at the wallet's till."""

from dataclasses import dataclass, field
from urllib.parse import urljoin

from sandbox.phone import bridges, forms, markup, sheets, stalls, tills
from sandbox.phone.addresses import Foreign
from sandbox.phone.browser import Answer, Browser, Request, Unreachable
from sandbox.phone.phones import Phone
from sandbox.phone.telling import Watcher
from sandbox.phone.walking import Walk
from sandbox.store import Store

CASHIER = "/jd/cashier/"
STALL = "/phone/stall"  # the wallet's own page for a static code


@dataclass
class Outcome:
    """`result` is paid, refused, reversed, unpayable, waiting or unreachable; `message` says why not.

    `amount` in fen and `order` are the wallet's, `page` is the last address, `pages` are the titles on the way.
    `payer_paid` and `reduction` make up the amount; None while nothing was paid.
    """

    result: str
    message: str = ""
    order: str | None = None
    amount: int | None = None
    page: str | None = None
    pages: list[str] = field(default_factory=list)
    payer_paid: int | None = None
    reduction: int | None = None
    shop: str = ""


class Payer:
    """A person with one wallet who either pays or turns away at the till."""

    def __init__(self, store: Store, browser: Browser, phone: str, *, pays: bool) -> None:
        self._store = store
        self._phone = phone
        self._places = browser.places
        self._walk = Walk(browser, Watcher(store, browser.places, phone))
        self._pays = pays

    def pay(self, url: str, amount: int) -> Outcome:
        """Everything from the scanned address to the last page. `amount` in fen."""
        try:
            outcome = self._pay(url, amount)
        except Foreign as problem:
            outcome = Outcome("unpayable", f"这一步要去手机打不开的地址：{problem}")
        except Unreachable as problem:
            outcome = Outcome("unreachable", f"页面没有打开：{problem}")
        outcome.pages = self._walk.titles
        return outcome

    def pay_code(self, code_url: str) -> Outcome:
        """A scanned Native code: WeChat shows its sheet at once, the amount is the order's."""
        try:
            sheet = sheets.for_code(self._store, self._phone, code_url)
        except tills.CannotPay as problem:
            return Outcome("unpayable", str(problem))
        return self._at_sheet(sheet)

    def pay_static(self, phone: Phone, wallet: str, text: str, amount: int) -> Outcome:
        """A static WeChat code: the wallet's own page asks for the amount. `amount` in fen."""
        page = None
        try:
            check = stalls.look(phone, wallet, text, amount)
            page = f"{STALL}/{check.id}"
            check = stalls.decide(phone, check.id, pays=self._pays)
        except tills.CannotPay as problem:
            return Outcome("unpayable", str(problem), page=page)
        done = Outcome(check.state, order=check.number or None, amount=check.amount, page=page, shop=check.shop)
        if check.state == "paid":
            done.payer_paid, done.reduction = check.payer_total, check.amount - check.payer_total
        return done

    def _pay(self, url: str, amount: int) -> Outcome:
        answer = self._walk.go(Request(url))
        page = markup.read(answer.content, answer.charset)
        form = forms.with_field(page, answer.url, "amount")
        if form is None or answer.status >= 400:
            return Outcome("unpayable", _says(page), page=answer.url)
        yuan = f"{amount // 100}.{amount % 100:02d}" if amount >= 0 else f"-{-amount // 100}.{-amount % 100:02d}"
        answer = self._walk.go(form.filled({"amount": yuan, **dict(form.buttons[:1])}, referer=answer.url))
        if self._places.site(answer.url) == "sandbox" and CASHIER in answer.url:
            return self._at_cashier(answer)
        bridge = bridges.find(answer.content, answer.charset)
        if bridge is None:
            page = markup.read(answer.content, answer.charset)
            return Outcome("waiting" if _renews_itself(page) else "unpayable", _says(page), page=answer.url)
        return self._at_bridge(answer, bridge)

    def _at_bridge(self, answer: Answer, bridge: bridges.PageBridge) -> Outcome:
        try:
            sheet = sheets.for_bridge(self._store, self._phone, bridge.params)
        except tills.CannotPay as problem:
            return Outcome("unpayable", str(problem), page=answer.url)
        outcome = self._at_sheet(sheet)
        outcome.page = answer.url
        if bridge.done and outcome.result == "paid":
            outcome.page = self._walk.go(Request(urljoin(answer.url, bridge.done), referer=answer.url)).url
        return outcome

    def _at_sheet(self, sheet: sheets.Sheet) -> Outcome:
        try:
            decided = sheets.decide(self._store, self._phone, sheet.id, pays=self._pays)
        except tills.CannotPay as problem:
            return Outcome("unpayable", str(problem), sheet.number, sheet.amount)
        done = Outcome(decided.state, order=decided.number, amount=decided.amount, shop=decided.shop)
        if decided.state == "paid":
            done.payer_paid, done.reduction = decided.payer_total, decided.reduction
        return done

    def _at_cashier(self, answer: Answer) -> Outcome:
        page = markup.read(answer.content, answer.charset)
        token = answer.url.partition(CASHIER)[2].partition("?")[0]
        action = "pay" if self._pays else "leave"
        form = forms.with_button(page, answer.url, "action", action)
        if form is None:
            return Outcome("unpayable", _says(page), page=answer.url)
        answer = self._walk.go(form.filled({"action": action}, referer=answer.url))
        with self._store.reading() as connection:
            bill = tills.jd_bill(connection, token=token)
        if bill is None:
            return Outcome("unpayable", _says(page), page=answer.url)
        if self._pays and bill.state != "paid":
            page = markup.read(answer.content, answer.charset)
            return Outcome("unpayable", _says(page), bill.number, bill.amount, answer.url, shop=bill.shop)
        done = Outcome("refused", order=bill.number, amount=bill.amount, page=answer.url, shop=bill.shop)
        if bill.state == "paid":
            done.result, done.payer_paid, done.reduction = "paid", bill.payer_total, bill.amount - bill.payer_total
        return done


def _says(page: markup.Element) -> str:
    """What a page tells a person who cannot go on: the error of a field, an alert, else its headings."""
    for element in (_error_of_field(page), markup.find(page, "*", role="alert")):
        if element is not None and markup.text_of(element):
            return markup.text_of(element)
    headings = [*markup.find_all(page, "h1"), *markup.find_all(page, "h2")] or markup.find_all(page, "title")
    return "  ".join(text for text in map(markup.text_of, headings) if text)


def _error_of_field(page: markup.Element) -> markup.Element | None:
    field = markup.find(page, "input", **{"aria-invalid": "true"})
    names = field.get("aria-describedby", "").split() if field is not None else []
    return markup.find(page, "*", id=names[0]) if names else None


def _renews_itself(page: markup.Element) -> bool:
    """The page waits for the wallet and asks again by itself."""
    return any(meta.get("http-equiv", "").lower() == "refresh" for meta in markup.find_all(page, "meta"))
