"""Going from page to page: a request and every redirect after it, each address checked before it is fetched."""

from sandbox.phone import markup
from sandbox.phone.browser import Answer, Browser, Request, Unreachable
from sandbox.phone.telling import Watcher

MOST_REDIRECTS = 10


class Walk:
    """One wallet walking through pages; remembers the titles of those it saw."""

    def __init__(self, browser: Browser, watcher: Watcher) -> None:
        self._browser = browser
        self._watcher = watcher
        self.titles: list[str] = []

    def go(self, request: Request) -> Answer:
        """The page at the end of the redirects. Raises Foreign, Unreachable."""
        for _ in range(MOST_REDIRECTS):
            answer = self._browser.send(request)
            self._watcher.see(request, answer)
            if answer.redirect is None:
                self._keep_title(answer)
                return answer
            if answer.keeps_method:
                request = Request(answer.redirect, request.method, request.body, request.headers, request.referer)
            else:
                request = Request(answer.redirect, referer=request.referer)
        raise Unreachable("too many redirects")

    def _keep_title(self, answer: Answer) -> None:
        if answer.is_html:
            title = markup.find(markup.read(answer.content, answer.charset), "title")
            self.titles.append(markup.text_of(title) if title is not None else "")
