"""Pages into a topic of CKafka, by Tencent Cloud's API: its action SendMessage, which takes messages over HTTP.

The topic's access point is a DataHub id (cloud.tencent.com/document/product/597/66682). The function's role needs
`ckafka:SendMessage`. TENCENT_CKAFKA_ENDPOINT, `https://<host>` or, for tests, `http://127.0.0.1:<port>`, replaces the
SDK's own `https://ckafka.tencentcloudapi.com`. Kafka delays nothing: the topic's batches come one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile

from handler.core.errors import QueueUnavailable
from handler.core.ports.queue import Message, requests

ENDPOINT_VARIABLE = "TENCENT_CKAFKA_ENDPOINT"
VERSION = "2019-08-19"

# What one SendMessage takes.
MESSAGES_MAX = 500


class CkafkaQueue:
    """A `Queue` behind the access point `hub`; `credential` gives the role's credentials of the moment."""

    def __init__(self, hub: str, region: str, credential: Callable[[], Credential], profile: ClientProfile) -> None:
        self._hub = hub
        self._region = region
        self._credential = credential
        self._profile = profile

    def send(self, messages: Sequence[Message]) -> None:
        """Send all, as many at a time as a request holds."""
        client = CommonClient("ckafka", VERSION, self._credential(), self._region, self._profile)
        for request in requests(messages, MESSAGES_MAX):
            try:
                answer = client.call_json("SendMessage", self._fields(request))
                taken = len(answer["Response"]["MessageId"])
            except TencentCloudSDKException as error:
                raise _unavailable(str(error.code)) from None
            except (ValueError, KeyError, TypeError) as error:
                raise _unavailable(type(error).__name__) from None
            if taken < len(request):
                raise _unavailable(f"it has taken {taken} of {len(request)}")

    def _fields(self, messages: Sequence[Message]) -> dict[str, object]:
        return {"DataHubId": self._hub, "Message": [{"Body": message.text} for message in messages]}


def _unavailable(code: str) -> QueueUnavailable:
    return QueueUnavailable(f"the topic of FAN_OUT_QUEUE does not take every page: {code}")
