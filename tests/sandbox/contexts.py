"""The second argument of a handler, as each cloud gives it: an object with a clock on AWS, a dict without on SCF."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

FUNCTION_NAME: Final = "update-group-counter"
FUNCTION_ARN: Final = f"arn:aws:lambda:eu-west-1:123456789012:function:{FUNCTION_NAME}"
MEMORY_MB: Final = 256


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What AWS passes; `deadline` is a moment of the local monotonic clock, in seconds."""

    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = FUNCTION_NAME
    function_version: str = "$LATEST"
    invoked_function_arn: str = FUNCTION_ARN
    memory_limit_in_mb: str = str(MEMORY_MB)
    log_group_name: str = f"/aws/lambda/{FUNCTION_NAME}"
    log_stream_name: str = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended, 0 once it should have been."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def lambda_context(timeout_s: float) -> LambdaContext:
    """The context of an invocation that begins now and may last `timeout_s`."""
    return LambdaContext(deadline=time.monotonic() + timeout_s)


def scf_context(timeout_s: float) -> dict[str, object]:
    """The context of an invocation on Tencent SCF. It knows the limit in milliseconds, but not what is left of it.

    The fields are those of a real sample; `environment` is JSON text.
    """
    return {
        "memory_limit_in_mb": MEMORY_MB,
        "time_limit_in_ms": int(timeout_s * 1000),
        "request_id": str(uuid.uuid4()),
        "environ": "SCF_NAMESPACE=default;TENCENTCLOUD_REGION=ap-guangzhou",
        "environment": json.dumps({"SCF_NAMESPACE": "default", "TENCENTCLOUD_REGION": "ap-guangzhou"}),
        "function_version": "$LATEST",
        "function_name": FUNCTION_NAME,
        "namespace": "default",
        "tencentcloud_region": "ap-guangzhou",
        "tencentcloud_appid": "1250000000",
        "tencentcloud_uin": "100000000001",
    }
