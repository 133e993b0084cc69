"""The gateway's two ways to say no; the codes are Tencent Cloud's (cloud.tencent.com/document/api/382/59177)."""


class Refusal(Exception):
    """The whole call is refused: `Response.Error` with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class Undelivered(Exception):
    """One number gets no message: its line of `SendStatusSet` has this code instead of `Ok`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
