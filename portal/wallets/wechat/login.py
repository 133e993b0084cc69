"""How we learn the payer's openid: the silent web login of our official account (snsapi_base).

Source: WeChat Official Accounts documentation, "Web page authorization". The order of the query's names and the
trailing fragment are demanded there.
"""

from urllib.parse import quote, urlencode

from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.transport import Budget, Transport
from portal.wallets.wechat.settings import WechatSettings
from portal.wallets.wire import UnreadableMessage, read_object, text_at

# A code that is wrong, used or stale: the payer has to come in again. Everything else is ours to repair.
ERRORS: dict[str, type[WalletError]] = {
    "-1": WalletUnavailable,
    "40029": WalletRefused,
    "40163": WalletRefused,
    "41008": WalletRefused,
    "42003": WalletRefused,
    "45011": WalletUnavailable,
}


def payer_login_url(settings: WechatSettings, *, return_url: str, state: str) -> str:
    """Where the payer's browser has to go; it comes back to `return_url` with `code` and `state`."""
    asked = (
        ("appid", settings.sp_appid),
        ("redirect_uri", return_url),
        ("response_type", "code"),
        ("scope", "snsapi_base"),
        ("state", state),
    )
    return (
        f"{settings.oauth_page}/connect/oauth2/authorize?{urlencode(asked, quote_via=quote, safe='')}#wechat_redirect"
    )


def payer_id_of(settings: WechatSettings, transport: Transport, login_code: str, *, budget: Budget) -> str:
    """The openid behind a code. WalletRefused when the code is no good (any more)."""
    asked = (
        ("appid", settings.sp_appid),
        ("secret", settings.sp_secret),
        ("code", login_code),
        ("grant_type", "authorization_code"),
    )
    url = f"{settings.oauth_api}/sns/oauth2/access_token?{urlencode(asked, quote_via=quote, safe='')}"
    answer = transport.send("wechat login", "GET", url, budget=budget, headers={"Accept": "application/json"})
    try:
        found = read_object(answer.body)
        code = found.get("errcode")
        if code:
            raise ERRORS.get(str(code), WalletUnavailable)(f"OAUTH_{code}", str(found.get("errmsg", "")))
        if answer.status != 200:
            raise WalletUnavailable(f"HTTP_{answer.status}")
        return text_at(found, "openid")
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
