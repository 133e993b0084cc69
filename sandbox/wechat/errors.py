"""How WeChat Pay says no: a status, a code for programs, a message for people (partner docs 4012081726)."""

from enum import IntEnum


class Cause(IntEnum):
    """The number behind the dash of a Request-ID; only those that WeChat Pay has published. 0: nothing to tell."""

    NONE = 0
    ILLEGAL_PARAMETER = 268435461
    OUT_OF_RANGE = 268435464
    BAD_SIGNATURE = 268443699
    NO_RELATION = 268443701
    SUB_MCHID_MISSING = 268443704
    SUB_MCHID_IS_SP = 268443705
    APPID_AND_MCHID = 268445527
    MCHID_AND_ORDER = 268447843
    SUB_MCHID_AND_ORDER = 268447845
    ORDER_EXPIRED = 268447914
    PAID = 268449538
    OTHER_PARAMETERS = 268498688
    PAID_ALREADY = 268498689
    OPENID_MISSING = 268501013
    NO_ORDER = 268512771
    EXTRA_PARAMETER = 270924358


class Refused(Exception):
    """Becomes the JSON body {"code", "message", "detail"?} with its HTTP status."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        detail: dict[str, object] | None = None,
        *,
        cause: Cause = Cause.NONE,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.cause = cause

    @property
    def body(self) -> dict[str, object]:
        """The error body; `detail` only where there is one."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            body["detail"] = self.detail
        return body


def wrong_field(
    pointer: str,
    issue: str,
    value: object = None,
    location: str = "body",
    cause: Cause = Cause.ILLEGAL_PARAMETER,
) -> Refused:
    """400 PARAM_ERROR about one parameter; `pointer` is a JSON pointer (body) or a plain name (query, url)."""
    source = f"/{location}{pointer}" if pointer.startswith("/") else f"/{location}/{pointer}"
    detail = {"field": pointer, "value": value, "issue": issue, "location": location}
    told = {name: part for name, part in detail.items() if part is not None}
    return Refused(400, "PARAM_ERROR", f"输入源“{source}”{issue}", told, cause=cause)


def bad_parameter(message: str) -> Refused:
    """400 PARAM_ERROR about the request as a whole."""
    return Refused(400, "PARAM_ERROR", message, cause=Cause.ILLEGAL_PARAMETER)


def bad_signature(message: str) -> Refused:
    """401 SIGN_ERROR."""
    return Refused(401, "SIGN_ERROR", message, cause=Cause.BAD_SIGNATURE)


def against_the_rules(message: str, cause: Cause = Cause.NONE) -> Refused:
    """400 INVALID_REQUEST: every field is fine, but the business does not allow it."""
    return Refused(400, "INVALID_REQUEST", message, cause=cause)
