"""Tencent Cloud's CKafka on this machine, as far as it takes messages over HTTP: real signatures, and what can fail.

The action, its fields and its bounds are those of cloud.tencent.com/document/product/597/66682 (API 2019-08-19).
"""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from tests.sandbox.kafka import Record
from tests.sandbox.tc3 import Credentials, TencentRefusalError, TencentServer

MESSAGES: Final = 500


class _Body(TypedDict):
    Body: str


class _Sent(TypedDict):
    DataHubId: str
    Message: list[_Body]


class CkafkaServer(TencentServer):
    """One access point, for one topic of one partition.

    `bodies` are the messages in the order of their arrival. The next requests meet `codes`, one after the other: a
    code refuses the request, and `half` takes half of its messages.
    """

    service = "ckafka"
    version = "2019-08-19"

    def __init__(self, credentials: Credentials, region: str, hub: str) -> None:
        self.hub = hub
        self.codes: list[str] = []
        self.bodies: list[str] = []
        self.requests = 0
        self._changing = Lock()
        super().__init__(credentials, region)

    def records(self, topic: str) -> Sequence[Record]:
        return [Record(topic, 0, offset, 0, None, body.encode()) for offset, body in enumerate(self.bodies)]

    def answer(self, action: str, fields: dict[str, object]) -> dict[str, object]:
        if action != "SendMessage":
            raise TencentRefusalError("InvalidAction")
        with self._changing:
            self.requests += 1
            code = self.codes.pop(0) if self.codes else None
            if code is not None and code != "half":
                raise TencentRefusalError(code)
            try:
                sent = TypeAdapter(_Sent).validate_python(fields)
            except ValidationError:
                raise TencentRefusalError("InvalidParameter") from None
            if sent["DataHubId"] != self.hub or not 1 <= len(sent["Message"]) <= MESSAGES:
                raise TencentRefusalError("InvalidParameterValue")
            taken = sent["Message"][: len(sent["Message"]) // 2] if code else sent["Message"]
            self.bodies += [message["Body"] for message in taken]
            return {"MessageId": [f"{self.hub}:topic:0:{len(self.bodies)}"] * len(taken)}
