"""Reads the story of a payment off the pages that pass through the phone's browser."""

from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qs, urlsplit

from sandbox.phone import bridges, markup, phones, story, tills, ways
from sandbox.phone.addresses import Places
from sandbox.phone.browser import Answer, Request
from sandbox.phone.story import Step
from sandbox.store import Store

_PAYER_PAGES = ("/c/", "/r/")
_CASHIER = "/jd/cashier/"
_AUTHORIZE = "/wechat/open/"


class Watcher:
    """Looks over the shoulder of one wallet on one phone."""

    def __init__(self, store: Store, places: Places, phone: str) -> None:
        self._store = store
        self._places = places
        self._phone = phone

    def see(self, request: Request, answer: Answer) -> None:
        """Note what this request and its answer mean for the payment."""
        path = urlsplit(answer.url).path
        if self._places.site(answer.url) == "portal":
            if request.method == "POST" and answer.status < 400:
                self._see_amount(request, answer)
            if request.method == "GET" and answer.is_html and path.startswith(_PAYER_PAGES):
                self._see_shop(answer)
            if answer.is_html:
                self._see_bridge(answer)
        elif path.startswith(_AUTHORIZE):
            self._tell(answer, Step.KNOWN)
        elif path.startswith(_CASHIER):
            self._see_cashier(request, answer, token=path.removeprefix(_CASHIER))

    def _see_shop(self, answer: Answer) -> None:
        page = markup.read(answer.content, answer.charset)
        heading = markup.find(page, "h1")
        shop = markup.text_of(heading) if heading is not None else ""
        with self._store.writing() as connection:
            run = story.open_run(connection, self._phone, wallet=self._places.wallet, url=answer.url, fresh=True)
            story.tell(connection, self._phone, run, Step.OPENED, detail=shop)
            story.name_shop(connection, self._phone, run, shop)

    def _see_amount(self, request: Request, answer: Answer) -> None:
        yuan = parse_qs(request.body.decode("utf-8", "replace")).get("amount")
        if yuan:
            self._tell(answer, Step.ASKED, amount=_fen(yuan[0]))

    def _see_bridge(self, answer: Answer) -> None:
        found = bridges.find(answer.content, answer.charset)
        if found is None:
            return
        with self._store.writing() as connection:
            bill = tills.wechat_bill(connection, prepay_id=found.prepay_id)
            run = story.open_run(connection, self._phone, wallet=self._places.wallet, url=answer.url)
            if bill is not None:
                story.tell(connection, self._phone, run, Step.ORDERED, amount=bill.amount)
                story.name_order(connection, self._phone, run, number=bill.number, amount=bill.amount)

    def _see_cashier(self, request: Request, answer: Answer, *, token: str) -> None:
        with self._store.writing() as connection:
            bill = tills.jd_bill(connection, token=token)
            if bill is None:
                return
            run = story.open_run(connection, self._phone, wallet=self._places.wallet, url=answer.url)
            if request.method == "GET" and bill.state == "open":
                story.tell(connection, self._phone, run, Step.ORDERED, amount=bill.amount)
                story.tell(connection, self._phone, run, Step.SHEET, amount=bill.payer_total, detail=bill.shop)
                story.name_order(connection, self._phone, run, number=bill.number, amount=bill.amount)
            elif request.method == "POST" and bill.state != "closed":
                tell_decision(connection, self._phone, run, bill, paid=bill.state == "paid")
                if bill.state == "paid":
                    phone = phones.known(connection, self._phone)
                    ways.rewarded(connection, phone.payer, f"pay_{phone.way}")

    def _tell(self, answer: Answer, step: Step, *, amount: int | None = None) -> None:
        with self._store.writing() as connection:
            run = story.open_run(connection, self._phone, wallet=self._places.wallet, url=answer.url)
            story.tell(connection, self._phone, run, step, amount=amount)


def tell_decision(connection: tills.Connection, phone: str, run: int, bill: tills.Bill, *, paid: bool) -> None:
    """The payer confirmed or turned away."""
    story.name_order(connection, phone, run, number=bill.number, amount=bill.amount)
    given = bill.payer_total if paid else None
    story.tell(connection, phone, run, Step.PAID, amount=given)
    story.end(connection, phone, run, state="paid" if paid else "refused", payer_paid=given)


def _fen(yuan: str) -> int | None:
    """A typed amount in fen; None for what is no amount (the portal will say so on its page)."""
    try:
        fen = Decimal(yuan.strip()) * 100
        return int(fen) if fen == int(fen) and 0 < fen < 10**12 else None
    except (InvalidOperation, ValueError, OverflowError):
        return None
