"""Where an event can be sent: the function of this checkout, one on AWS, or one on Tencent SCF.

Each call is made once. An event whose answer was lost may be at work, so none is ever sent a second time.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Final, Protocol

from layers.operate.arguments import Event
from layers.operate.place import SCF_PREFIX

if TYPE_CHECKING:
    from layers.scf.api import Cloud

LIMIT_S: Final = 900
"""The longest that a function on AWS can run."""


class OperatorError(Exception):
    """The function did not answer; the text is one line with the reason, if there is one."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


class Function(Protocol):
    """A function that takes operator events."""

    @property
    def name(self) -> str:
        """What and where it is, in words."""
        ...

    def invoke(self, event: Event) -> object:
        """Send an event and wait for the answer; OperatorError if there is none."""
        ...


def function_of(named: str | None, region: str | None = None, namespace: str | None = None) -> Function:
    """The function that the arguments name; that of this checkout, if they name none."""
    if named is None:
        return Checkout()
    if named.startswith(SCF_PREFIX):
        return scf_function(named.removeprefix(SCF_PREFIX), region, namespace)
    return LambdaFunction(named, region)


class Checkout:
    """The function in this process, without a deadline."""

    name = "this checkout, with the settings of the environment"

    def invoke(self, event: Event) -> object:
        """Run it, with its log on standard error."""
        # A deployed function is operated without the function's own packages.
        from handler.core.errors import CounterError  # noqa: PLC0415
        from handler.main import lambda_handler  # noqa: PLC0415

        with redirect_stdout(sys.stderr):
            try:
                return lambda_handler(event, None)
            except CounterError as error:
                raise OperatorError(f"{type(error).__name__}: {error}") from None


class LambdaFunction:
    """A function on AWS, by its name or ARN, with the credentials and the region that boto3 finds."""

    def __init__(self, named: str, region: str | None) -> None:
        try:
            import boto3  # noqa: PLC0415  # needed for functions on AWS only
            from botocore.config import Config  # noqa: PLC0415
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        except ImportError:
            raise OperatorError("--function needs boto3, which is not installed here: pip install boto3") from None
        parts = named.split(":")
        in_arn = parts[3] if parts[0] == "arn" and len(parts) > 3 else None  # noqa: PLR2004  # arn:aws:lambda:<region>
        config = Config(read_timeout=LIMIT_S, retries={"total_max_attempts": 1})
        try:
            # A session of its own, because the default one keeps the credentials of an earlier call.
            self._client = boto3.session.Session().client("lambda", region_name=region or in_arn, config=config)
        except BotoCoreError as error:
            raise OperatorError(f"{error} Say REGION=…, or --region") from None
        self._named = named

    @property
    def name(self) -> str:
        """Its name and region."""
        return f"{self._named} in {self._client.meta.region_name}"

    def invoke(self, event: Event) -> object:
        """Invoke it and wait for what it returns."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            answer = self._client.invoke(FunctionName=self._named, Payload=json.dumps(event).encode())
            text = answer["Payload"].read().decode()
        except ClientError as error:
            raise OperatorError(_refusal(error.response, self.name)) from None
        except BotoCoreError as error:
            raise OperatorError(f"{self.name}: {error}") from None
        if "FunctionError" in answer:
            raised = json.loads(text)
            kind, reason = raised.get("errorType", "error"), raised.get("errorMessage", "the function ended")
            raise OperatorError(f"{kind}: {reason}")
        return json.loads(text)


def _refusal(response: Mapping[str, object], name: str) -> str:
    """AWS's code and message. That of a failed signature may show what was signed."""
    error = response.get("Error")
    code, message = (error.get("Code"), error.get("Message")) if isinstance(error, dict) else (None, None)
    return f"{name}: {code}" if not message or "Signature" in str(code) else f"{name}: {code}: {message}"


def scf_function(named: str, region: str | None, namespace: str | None) -> Function:
    """A function on SCF, where serverless.yml says, unless region and namespace are given."""
    try:
        from layers.scf.api import CloudError, Scf  # noqa: PLC0415  # needed for functions on SCF only
        from layers.scf.plan import SERVICE, PlanError, read_plan  # noqa: PLC0415
    except ImportError as missing:
        raise OperatorError(f"--function scf: needs the package {missing.name}, which is not installed here") from None
    try:
        plan = read_plan(SERVICE.read_text("utf-8"), {}, deploying=False)
        region, namespace = region or plan.region, namespace or plan.namespace
        return ScfFunction(named, region, namespace, Scf(region, os.environ))
    except (PlanError, CloudError) as error:
        raise OperatorError(str(error)) from None


class ScfFunction:
    """A function on SCF, invoked by cloud.tencent.com/document/api/583/17243, which waits for at most 300 s."""

    def __init__(self, named: str, region: str, namespace: str, cloud: Cloud) -> None:
        # The alias leads to the version that is served.
        self._named = {"FunctionName": named, "Namespace": namespace, "Qualifier": "$DEFAULT"}
        self._region = region
        self._cloud = cloud

    @property
    def name(self) -> str:
        """Its namespace, name and region."""
        return f"{self._named['Namespace']}/{self._named['FunctionName']} of SCF in {self._region}"

    def invoke(self, event: Event) -> object:
        """Invoke it and wait for what it returns."""
        from layers.scf.api import CloudError  # noqa: PLC0415

        sent: Event = {"InvocationType": "RequestResponse", "ClientContext": json.dumps(event, ensure_ascii=False)}
        try:
            result = self._cloud.call("Invoke", {**self._named, **sent})["Result"]
        except CloudError as error:
            raise OperatorError(f"{self.name}: {error}") from None
        if not isinstance(result, dict) or result.get("ErrMsg"):
            raise OperatorError(_failure(result if isinstance(result, dict) else {}))
        return json.loads(str(result["RetMsg"]))


def _failure(result: Mapping[str, object]) -> str:
    """What the function raised: the last line of its trace, if the result has one, or else the platform's message."""
    for text in (str(result.get("RetMsg")), str(result.get("ErrMsg"))):
        try:
            told: object = json.loads(text)
        except ValueError:
            continue
        if isinstance(told, dict):
            trace = str(told.get("stackTrace") or told.get("errorMessage") or "").strip()
            if trace:
                return re.sub(r"^(?:\w+\.)+(?=\w+: )", "", trace.splitlines()[-1])
    return str(result.get("ErrMsg") or "the function ended without a result")
