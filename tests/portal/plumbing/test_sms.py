"""The client against the sandbox's gateway, over real HTTP: the SDK signs, somebody else's code verifies."""

import logging
import threading
from contextlib import contextmanager

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from portal.plumbing import sms
from portal.plumbing.sms import SmsGateway, SmsRefused, SmsUnavailable
from sandbox.factory import create_app

PHONE = "+8613800000001"
CODE = {"phone": PHONE, "code": "482913", "minutes": 10, "locale": "zh"}


@contextmanager
def served(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    app = create_app({"PORTAL_MODE": "demo", "PORTAL_DATA_DIR": str(tmp_path_factory.mktemp("sms"))})
    yield app
    app.extensions["notifier"].stop()


@pytest.fixture(scope="module")
def settings(sandbox):
    with served(sandbox) as endpoint:
        yield {**sandbox.test_client().get("/credentials").json["sms"], "endpoint": endpoint}


def newest(sandbox):
    return sandbox.test_client().get("/sms/inbox").json["messages"][0]


def test_a_code_arrives_in_the_language_of_the_reader(sandbox, settings):
    gateway = SmsGateway(settings)
    number = gateway.send_code(**CODE)
    assert newest(sandbox)["id"] == number
    assert newest(sandbox)["text"] == "【一码】482913 是您的验证码，10 分钟内有效。不要告诉任何人。"
    gateway.send_code(**{**CODE, "locale": "en"})
    assert "482913 is your Yima code" in newest(sandbox)["text"]


@pytest.mark.parametrize(
    ("changed", "asked", "code"),
    [
        ({}, {"phone": "+85212345678"}, "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"),
        ({}, {"phone": "nonsense"}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({}, {"code": "1234567"}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"template_zh": "1"}, {}, "FailedOperation.TemplateUnapprovedOrNotExist"),
        ({"secret_key": "wrong"}, {}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "wrong"}, {}, "AuthFailure.SecretIdNotFound"),
        ({"sdk_app_id": "1"}, {}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
    ],
)
def test_a_clear_no_is_told_with_its_code_and_without_the_secret(settings, changed, asked, code):
    with pytest.raises(SmsRefused) as caught:
        SmsGateway({**settings, **changed}).send_code(**{**CODE, **asked})
    assert caught.value.code == code
    assert caught.value.request_id
    assert CODE["code"] not in repr(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        Response("down", status=502),
        Response("<html>", content_type="text/html"),
        Response("{", content_type="application/json"),
        Response('{"Response": {"RequestId": "r"}}', content_type="application/json"),
        Response(
            '{"Response": {"Error": {"Code": "InternalError.Timeout", "Message": "m"}, "RequestId": "r"}}',
            content_type="application/json",
        ),
    ],
)
def test_an_answer_that_means_nothing_is_no_answer(settings, answer):
    with served(answer) as endpoint, pytest.raises(SmsUnavailable):
        SmsGateway({**settings, "endpoint": endpoint}).send_code(**CODE)


def test_it_follows_no_redirect(settings):
    visits = []

    def elsewhere(environ, start_response):
        visits.append(environ["PATH_INFO"])
        return Response("", status=307, headers={"Location": "/stolen"})(environ, start_response)

    with served(elsewhere) as endpoint, pytest.raises(SmsUnavailable):
        SmsGateway({**settings, "endpoint": endpoint}).send_code(**CODE)
    assert visits == ["/"]


def test_it_waits_no_longer_than_four_seconds(settings, monkeypatch):
    release = threading.Event()

    def slow(environ, start_response):
        release.wait(10)
        return Response("{}")(environ, start_response)

    assert sum(sms._TIMEOUT) == 4
    monkeypatch.setattr(sms, "_TIMEOUT", (1.0, 0.2))
    with served(slow) as endpoint:
        with pytest.raises(SmsUnavailable):
            SmsGateway({**settings, "endpoint": endpoint}).send_code(**CODE)
        release.set()


def test_nobody_listening_is_unavailable(settings):
    with pytest.raises(SmsUnavailable):
        SmsGateway({**settings, "endpoint": "127.0.0.1:9"}).send_code(**CODE)


def test_a_proxy_or_password_file_of_the_machine_changes_nothing(sandbox, settings, monkeypatch, tmp_path):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert SmsGateway(settings).send_code(**CODE) == newest(sandbox)["id"]


def test_the_sdk_writes_no_code_into_a_log(settings, caplog):
    with caplog.at_level(logging.DEBUG):
        SmsGateway(settings).send_code(**CODE)
    assert CODE["code"] not in caplog.text
