"""How WeChat Pay says no: a status, a code for programs, a message for people (partner docs 4012081726)."""


class Refused(Exception):
    """Becomes the JSON body {"code", "message", "detail"?} with its HTTP status."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, object] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    @property
    def body(self) -> dict[str, object]:
        """The error body; `detail` only where there is one."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            body["detail"] = self.detail
        return body


def wrong_field(pointer: str, issue: str, value: object = None, location: str = "body") -> Refused:
    """400 PARAM_ERROR about one parameter; `pointer` is a JSON pointer (body) or a plain name (query, url)."""
    source = f"/{location}{pointer}" if pointer.startswith("/") else f"/{location}/{pointer}"
    detail = {"field": pointer, "value": value, "issue": issue, "location": location}
    return Refused(400, "PARAM_ERROR", f"输入源“{source}”{issue}", {k: v for k, v in detail.items() if v is not None})


def bad_parameter(message: str) -> Refused:
    """400 PARAM_ERROR about the request as a whole."""
    return Refused(400, "PARAM_ERROR", message)


def bad_signature(message: str) -> Refused:
    """401 SIGN_ERROR."""
    return Refused(401, "SIGN_ERROR", message)


def against_the_rules(message: str) -> Refused:
    """400 INVALID_REQUEST: every field is fine, but the business does not allow it."""
    return Refused(400, "INVALID_REQUEST", message)
