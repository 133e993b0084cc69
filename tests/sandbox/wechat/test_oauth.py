"""Who pays: a code for the page, an openid for the server."""

import json

from tests.sandbox.wechat.conftest import Till
from tests.sandbox.wechat_merchant import PHONE


def query(till: Till, **bent: str) -> dict[str, str]:
    return {
        "appid": till.given["sp_appid"],
        "redirect_uri": "http://127.0.0.1:8000/o/1/wechat?a=b",
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "st at/e",
    } | bent


def authorize(till: Till, headers: dict[str, str], **bent: str) -> object:
    return till.client.get("/wechat/open/connect/oauth2/authorize", query_string=query(till, **bent), headers=headers)


def exchange(till: Till, code: str, **bent: str) -> dict[str, object]:
    given = {"appid": till.given["sp_appid"], "secret": till.given["sp_secret"], "grant_type": "authorization_code"}
    answer = till.client.get("/wechat/oauth/sns/oauth2/access_token", query_string=given | {"code": code} | bent)
    assert answer.status_code == 200
    return json.loads(answer.data)


def code_of(till: Till) -> str:
    return authorize(till, PHONE).location.partition("code=")[2].partition("&")[0]


def test_it_sends_the_payer_back_with_a_code_and_the_state(till: Till) -> None:
    answer = authorize(till, PHONE)
    assert answer.status_code == 302
    assert answer.location.startswith("http://127.0.0.1:8000/o/1/wechat?a=b&code=")
    assert answer.location.endswith("&state=st+at%2Fe")


def test_outside_wechat_it_says_so(till: Till) -> None:
    answer = authorize(till, {})
    assert "请在微信里打开" in answer.text
    assert not answer.location


def test_it_never_sends_a_code_to_a_foreign_page(till: Till) -> None:
    for address in ("http://evil.example/o", "//evil.example", "http://127.0.0.1:8000@evil.example/", ""):
        assert authorize(till, PHONE, redirect_uri=address).status_code == 400


def test_it_knows_only_its_own_official_account(till: Till) -> None:
    assert authorize(till, PHONE, appid="wx0").status_code == 400
    assert authorize(till, PHONE, scope="snsapi_login").status_code == 400


def test_a_payer_has_one_openid_and_another_payer_another(till: Till) -> None:
    assert till.openid() == till.openid()
    assert till.openid() != till.openid({"X-Sandbox-Payer": "payer-2"})


def test_a_code_is_good_once(till: Till) -> None:
    code = code_of(till)
    assert exchange(till, code)["openid"]
    assert exchange(till, code)["errcode"] == 40163


def test_a_code_is_good_for_five_minutes(till: Till) -> None:
    code = code_of(till)
    till.shift("UPDATE wechat_codes SET created_at = created_at - 301")
    assert exchange(till, code) == {"errcode": 40029, "errmsg": "invalid code"}


def test_it_refuses_a_wrong_secret_appid_or_grant(till: Till) -> None:
    code = code_of(till)
    assert exchange(till, code, secret="x")["errcode"] == 40125
    assert exchange(till, code, appid="wx0")["errcode"] == 40013
    assert exchange(till, code, grant_type="refresh_token")["errcode"] == 40002
    assert exchange(till, code)["expires_in"] == 7200
