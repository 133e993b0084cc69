"""Sends one-time codes by Tencent Cloud SMS, through its own SDK (cloud.tencent.com/document/api/382/55981).

Endpoint and scheme come from the settings, so the demo's gateway is reached the same way as the real one.
"""

import logging
from collections.abc import Mapping

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111.models import SendSmsRequest, SendStatus
from tencentcloud.sms.v20210111.sms_client import SmsClient

# One second to connect, three for the answer: four in all.
_TIMEOUT = (1.0, 3.0)
# SMS accounts live in one of three regions; sending from any of them reaches all of China.
_REGION = "ap-guangzhou"
# The gateway's own trouble; every other code it gives is a clear no. (document/api/382/59177)
_PASSING = ("InternalError", "RequestLimitExceeded", "ResourceUnavailable", "LimitExceeded.GlobalSmsSendingRateLimit")

# The SDK writes whole requests, code and number included, to its debug log.
logging.getLogger("tencentcloud_sdk_common").setLevel(logging.WARNING)


class SmsError(Exception):
    """No message was accepted. `code` is the gateway's or the SDK's own; neither number nor code of ours is in it."""

    def __init__(self, code: str, *, request_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.request_id = request_id


class SmsRefused(SmsError):
    """Final: the gateway understood and said no (number, template, limit, signature, account)."""


class SmsUnavailable(SmsError):
    """The gateway did not answer, or not in a way that can be trusted. A message may have gone out nevertheless."""


class SmsGateway:
    """One account at the gateway. Threads may share it: every call has a client of its own."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """`settings`: endpoint, scheme, secret_id, secret_key, sdk_app_id, sign_name, template_zh, template_en."""
        self._settings = dict(settings)

    def send_code(self, *, phone: str, code: str, minutes: int, locale: str) -> str:
        """Send a code (up to six digits) to an E.164 number; gives the gateway's number of the message.

        `locale` picks the template: English for `en…`, else Chinese. Raises SmsRefused or SmsUnavailable, within
        about four seconds. Nothing is repeated here: the caller decides whether a second message may go out.
        """
        request = SendSmsRequest()
        request.PhoneNumberSet = [phone]
        request.SmsSdkAppId = self._settings["sdk_app_id"]
        request.SignName = self._settings["sign_name"]
        request.TemplateId = self._settings["template_en" if locale.startswith("en") else "template_zh"]
        request.TemplateParamSet = [code, str(minutes)]
        client = self._client()
        try:
            answer = client.SendSms(request)
        except TencentCloudSDKException as problem:
            raise _told(problem.get_code() or "Unknown", problem.get_request_id()) from None
        finally:
            client.request.conn._session.close()
        lines: list[SendStatus] = answer.SendStatusSet or []
        if len(lines) != 1:
            raise SmsUnavailable("NoStatus", request_id=answer.RequestId)
        if lines[0].Code != "Ok":
            raise _told(lines[0].Code or "Unknown", answer.RequestId)
        return str(lines[0].SerialNo)

    def _client(self) -> SmsClient:
        http = HttpProfile(protocol=self._settings["scheme"], endpoint=self._settings["endpoint"], reqTimeout=_TIMEOUT)
        credential = Credential(self._settings["secret_id"], self._settings["secret_key"])
        client = SmsClient(credential, _REGION, ClientProfile(httpProfile=http))
        # The SDK offers no switch for these three: follow no redirect (the code would go elsewhere), take no
        # password from ~/.netrc (it would replace the signature), use no proxy that the environment happens to name.
        connection = client.request.conn
        connection._session.max_redirects = 0
        connection._session.trust_env = False
        connection.proxy = None
        return client


def _told(code: str, request_id: str | None) -> SmsError:
    """Only a code that came with the gateway's own request number can be a no; all else is the line or the SDK."""
    if request_id is None or code.startswith(_PASSING):
        return SmsUnavailable(code, request_id=request_id)
    return SmsRefused(code, request_id=request_id)
