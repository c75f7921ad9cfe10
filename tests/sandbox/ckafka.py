"""Tencent Cloud's CKafka on this machine, as far as it takes messages over HTTP: real signatures, and what can fail.

The action, its fields and its bounds are those of cloud.tencent.com/document/product/597/66682 (API 2019-08-19).
Answers have exactly `Content-Type: application/json`, as the SDK takes a refusal for a success otherwise.
"""

import json
import time
from collections.abc import Sequence
from threading import Lock
from typing import Final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from tests.sandbox.kafka import Record
from tests.sandbox.loopback import LoopbackConnection, LoopbackServer
from tests.sandbox.tc3 import Api, Credentials, SignedRequest, refusal

SERVICE: Final = "ckafka"
VERSION: Final = "2019-08-19"
MESSAGES: Final = 500


class _Body(TypedDict):
    Body: str


class _Sent(TypedDict):
    DataHubId: str
    Message: list[_Body]


class CkafkaServer(LoopbackServer):
    """One access point, for one topic of one partition, in one region. Use it in a `with` block.

    `bodies` are the messages in the order of their arrival. The next requests meet `codes`, one after the other: a
    code refuses the request, and `half` takes half of its messages.
    """

    def __init__(self, credentials: Credentials, region: str, hub: str) -> None:
        self.credentials = credentials
        self.region = region
        self.hub = hub
        self.codes: list[str] = []
        self.bodies: list[str] = []
        self.requests = 0
        self._changing = Lock()
        super().__init__(0, _Connection)

    def records(self, topic: str) -> Sequence[Record]:
        return [Record(topic, 0, offset, 0, None, body.encode()) for offset, body in enumerate(self.bodies)]

    def take(self, body: bytes) -> dict[str, object]:
        """What the service answers to a request that is signed well."""
        with self._changing:
            self.requests += 1
            code = self.codes.pop(0) if self.codes else None
            if code is not None and code != "half":
                return refused(code)
            try:
                sent = TypeAdapter(_Sent).validate_python(json.loads(body))
            except ValidationError:
                return refused("InvalidParameter")
            if sent["DataHubId"] != self.hub or not 1 <= len(sent["Message"]) <= MESSAGES:
                return refused("InvalidParameterValue")
            taken = sent["Message"][: len(sent["Message"]) // 2] if code else sent["Message"]
            self.bodies += [message["Body"] for message in taken]
            return {"MessageId": [f"{self.hub}:topic:0:{len(self.bodies)}"] * len(taken)}


def refused(code: str) -> dict[str, object]:
    return {"Error": {"Code": code, "Message": "refused"}}


class _Connection(LoopbackConnection):
    server: CkafkaServer

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        if body is None:
            return
        request = SignedRequest({name.lower(): value for name, value in self.headers.items()}, body)
        code = refusal(request, Api(SERVICE, VERSION, self.server.region), self.server.credentials, time.time())
        if code is None and self.headers["X-TC-Action"] != "SendMessage":
            code = "InvalidAction"
        fields = self.server.take(body) if code is None else refused(code)
        response = {"Response": {**fields, "RequestId": "00000000-0000-4000-8000-000000000000"}}
        self.reply(200, [("Content-Type", "application/json")], json.dumps(response).encode())
