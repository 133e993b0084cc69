"""A transport that gives prepared answers and keeps what was sent, and answers as WeChat Pay would give them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from portal.wallets.errors import WalletError
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wechat.client import Client
from portal.wallets.wechat.settings import read_settings as read_wechat
from tests.portal.wallets.conftest import NOW, WechatSide


class Recorded(Transport):
    """Gives prepared answers (or raises prepared errors) and keeps what was sent.

    A download is an answer too; its body comes in pieces of `piece` bytes.
    """

    def __init__(self, *answers: Answer | WalletError, piece: int = 7) -> None:
        super().__init__(addresses=())
        self.answers = list(answers)
        self.sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = []
        self.budgets: list[float] = []
        self._piece = piece

    def send(
        self,
        name: str,
        method: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        self.sent.append((method, url, headers, body))
        self.budgets.append(budget.left())
        return self._next()

    def receive(
        self,
        name: str,
        url: str,
        *,
        budget: Budget,
        headers: Mapping[str, str],
        take: Callable[[bytes], None],
        most_bytes: int,
    ) -> Answer:
        self.sent.append(("GET", url, headers, None))
        answer = self._next()
        if answer.status != 200:
            return answer
        for place in range(0, len(answer.body), self._piece):
            take(answer.body[place : place + self._piece])
        if answer.headers.get("then"):
            raise self._broken()
        return Answer(200, answer.headers, b"")

    def _next(self) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, WalletError):
            raise answer
        return answer

    def _broken(self) -> WalletError:
        """The next prepared answer must be the error that ends this download."""
        failure = self.answers.pop(0)
        assert isinstance(failure, WalletError)
        return failure


def wechat_client(sections: dict[str, Any], *answers: Answer | WalletError, **changes: Any) -> Client:
    return Client(read_wechat(sections["wechat"] | changes), Recorded(*answers), lambda: NOW)


def sent_by(client: Client) -> list[tuple[str, str, Mapping[str, str], bytes | None]]:
    """What a client of `wechat_client` sent."""
    transport = client._transport
    assert isinstance(transport, Recorded)
    return transport.sent


def signed(side: WechatSide, content: object, *, status: int = 200) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {name.lower(): value for name, value in side.headers(body).items()}
    return Answer(status, headers | {"request-id": "08F-0"}, body)


def refused(status: int, code: str) -> Answer:
    return Answer(status, {"request-id": "08F-1"}, json.dumps({"code": code, "message": "说明"}).encode())
