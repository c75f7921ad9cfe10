"""An HTTP request as the event that each platform makes of it. What they make of a reply is in `responses`.

The shapes are those of the platforms' documentation: API Gateway's payload formats 1.0 and 2.0, Lambda function URL,
Application Load Balancer with and without multi-value headers, SCF function URL
(cloud.tencent.com/document/product/583/96099).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

from tests.sandbox.http_request import Request, grouped, last

Event: TypeAlias = dict[str, object]
Dialect: TypeAlias = Literal["http-v2", "rest", "function-url", "alb", "alb-multi-value", "scf"]

TARGET_GROUP: Final = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/sandbox/0123456789abcdef"
CLIENT_ADDRESS: Final = "127.0.0.1"
STAGE: Final = "prod"


def event_of(dialect: Dialect, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Event:
    """The event of one request; `target` is path and query as sent, and a header may stand more than once."""
    path, _, query = target.partition("?")
    return _EVENTS[dialect](Request(method, path, query, tuple(headers), body))


def _http_v2(request: Request) -> Event:
    return _format_2(
        request, {"accountId": "123456789012", "apiId": "a1b2c3d4e5"}, "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
    )


def _function_url(request: Request) -> Event:
    identity: Event = {"accountId": "anonymous", "apiId": "abcdefghijklmnop"}
    return _format_2(request, identity, "abcdefghijklmnop.lambda-url.eu-west-1.on.aws")


def _format_2(request: Request, identity: Event, domain: str) -> Event:
    """Header names in lower case, repeated values joined by commas, cookies apart, empty parts left out."""
    content, is_base64 = request.content()
    headers = grouped(request.headers, str.lower)
    cookies = [part.strip() for value in headers.pop("cookie", []) for part in value.split(";")]
    optional: Event = {
        "cookies": cookies,
        "queryStringParameters": {name: ",".join(values) for name, values in request.parameters().items()},
        "body": content,
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {name: ",".join(values) for name, values in headers.items()},
        "requestContext": {
            **identity,
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": CLIENT_ADDRESS,
                "userAgent": request.header("user-agent"),
            },
            "requestId": request.id,
            "routeKey": "$default",
            "stage": "$default",
            "time": request.arrived,
            "timeEpoch": request.time_ms,
        },
        **{name: value for name, value in optional.items() if value},
        "isBase64Encoded": is_base64,
    }


def _rest(request: Request) -> Event:
    """Format 1.0: header names as sent, every value twice, once alone and once in a list, `null` for empty parts."""
    headers, parameters = grouped(request.headers, str), request.parameters()
    return {
        "resource": "/{proxy+}",
        "path": request.path,
        "httpMethod": request.method,
        "headers": last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last(parameters) or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": request.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "httpMethod": request.method,
            "identity": {"sourceIp": CLIENT_ADDRESS, "userAgent": request.header("user-agent"), "userArn": None},
            "path": f"/{STAGE}{request.path}",
            "protocol": "HTTP/1.1",
            "requestId": request.id,
            "requestTime": request.arrived,
            "requestTimeEpoch": request.time_ms,
            "resourceId": "abc123",
            "resourcePath": "/{proxy+}",
            "stage": STAGE,
        },
        # Base64 is for the media types that the API lists as binary; here none is.
        "body": request.text() or None,
        "isBase64Encoded": False,
    }


def _alb(request: Request) -> Event:
    """Header names in lower case, the last of repeated values, the query as sent and not decoded."""
    headers = last(grouped(request.headers, str.lower))
    return _balanced(request, {"headers": headers, "queryStringParameters": last(request.raw_parameters())})


def _alb_multi_value(request: Request) -> Event:
    """The same with lists of values, once the target group's attribute asks for them."""
    headers = grouped(request.headers, str.lower)
    return _balanced(
        request, {"multiValueHeaders": headers, "multiValueQueryStringParameters": request.raw_parameters()}
    )


def _balanced(request: Request, parts: Event) -> Event:
    content, is_base64 = request.content()
    return {
        "requestContext": {"elb": {"targetGroupArn": TARGET_GROUP}},
        "httpMethod": request.method,
        "path": request.path,
        **parts,
        "body": content,
        "isBase64Encoded": is_base64,
    }


def _scf(request: Request) -> Event:
    """No request context, no base64, and the query under a name of its own."""
    return {
        "body": request.text(),
        "headers": {**last(grouped(request.headers, str.lower)), "x-scf-remote-addr": CLIENT_ADDRESS},
        "httpMethod": request.method,
        "path": request.path,
        "queryString": last(request.parameters()),
    }


_EVENTS: Final[Mapping[Dialect, Callable[[Request], Event]]] = {
    "http-v2": _http_v2,
    "rest": _rest,
    "function-url": _function_url,
    "alb": _alb,
    "alb-multi-value": _alb_multi_value,
    "scf": _scf,
}
DIALECTS: Final = tuple(_EVENTS)
