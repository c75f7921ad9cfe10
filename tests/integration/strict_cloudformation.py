"""In front of MiniStack: it refuses to make a table that is there, as CloudFormation does and MiniStack does not."""

import json
import urllib.error
import urllib.request
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.exceptions import ClientError

from tests.integration import osls
from tests.sandbox.loopback import LoopbackConnection, LoopbackServer

Template: TypeAlias = dict[str, dict[str, dict[str, Any]]]

_REFUSED = (
    b'<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>'
    b"<Code>AlreadyExistsException</Code><Message>AWS::DynamoDB::Table already exists.</Message></Error>"
    b"<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
)
_OF_ONE_CONNECTION = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


class StrictCloudFormation(LoopbackServer):
    """Hands every request on to `endpoint`, but for stacks that would make a table which another one has made."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.session = boto3.session.Session("made-up", "made-up", region_name=osls.REGION)
        super().__init__(0, _Connection)

    def makes_what_is_there(self, form: dict[str, list[str]]) -> bool:
        """Whether a stack's template has a table by a name that is taken, and the stack does not have it already."""
        template = self._template(form)
        table = template.get("Resources", {}).get("Table")
        given = template.get("Parameters", {}).get("GivenTable", {}).get("Default")
        if table is None or given or self._has_table(form["StackName"][0]):
            return False
        tables = self.session.client("dynamodb", endpoint_url=self.endpoint).list_tables()["TableNames"]
        return table["Properties"]["TableName"] in tables

    def _template(self, form: dict[str, list[str]]) -> Template:
        if "TemplateBody" in form:
            return cast("Template", json.loads(form["TemplateBody"][0]))
        bucket, _, key = urlsplit(form["TemplateURL"][0]).path.lstrip("/").partition("/")
        body = self.session.client("s3", endpoint_url=self.endpoint).get_object(Bucket=bucket, Key=key)["Body"]
        return cast("Template", json.loads(body.read()))

    def _has_table(self, stack: str) -> bool:
        client = self.session.client("cloudformation", endpoint_url=self.endpoint)
        try:
            client.describe_stack_resource(StackName=stack, LogicalResourceId="Table")
        except ClientError:
            return False
        return True


class _Connection(LoopbackConnection):
    server: StrictCloudFormation

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        if body is None:
            return
        form = parse_qs(body.decode())
        if form.get("Action", [""])[0] in {"CreateStack", "UpdateStack"} and self.server.makes_what_is_there(form):
            self.reply(400, [("Content-Type", "text/xml")], _REFUSED)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        url = f"{self.server.endpoint}{self.path}"
        request = urllib.request.Request(url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, said, content = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, said, content = error.code, error.headers, error.read()
        kept = [(name, value) for name, value in said.items() if name.lower() not in _OF_ONE_CONNECTION]
        self.reply(status, kept, content)
