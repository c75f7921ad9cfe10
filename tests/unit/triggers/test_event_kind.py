"""Every kind of event is known by its shape, and everything else is refused in one way."""

import pytest

from handler.config.values import EVENT_NAMES
from handler.core.errors import UnknownEvent
from handler.triggers.event_kind import NAMED, Kind, detect
from tests.sandbox.dialects import Dialect, event_of

DIALECTS: dict[Dialect, Kind] = {
    "http-v2": Kind.HTTP_V2,
    "rest": Kind.HTTP_V1,
    "function-url": Kind.FUNCTION_URL,
    "alb": Kind.ALB,
    "alb-multi-value": Kind.ALB,
    "scf": Kind.SCF_URL,
}


@pytest.mark.parametrize(("dialect", "kind"), DIALECTS.items())
def test_an_http_event_is_known_by_its_platform(dialect: Dialect, kind: Kind) -> None:
    event = event_of(dialect, "GET", "/v1/health", [("host", "localhost")], b"")
    assert detect(event) == (kind, event)


@pytest.mark.parametrize(("dialect", "kind"), DIALECTS.items())
def test_an_http_event_is_none_of_a_timers_or_an_operators(dialect: Dialect, kind: Kind) -> None:
    """Whatever it says of itself: it has come in through a door."""
    for named in ("Timer", "Operator"):
        event = event_of(dialect, "GET", "/v1/health", [], b"") | {"Type": named, "Message": {"task": "sweep"}}
        assert detect(event)[0] is kind


def test_each_kind_has_one_of_the_names_of_events() -> None:
    assert NAMED.keys() == EVENT_NAMES
    assert sorted(kind.name for kinds in NAMED.values() for kind in kinds) == sorted(kind.name for kind in Kind)


def test_a_format_1_event_of_an_http_api_is_one_of_api_gateway() -> None:
    """HTTP APIs can send the older format, which then says its version."""
    event = event_of("rest", "GET", "/v1/health", [], b"") | {"version": "1.0"}
    assert detect(event)[0] is Kind.HTTP_V1


@pytest.mark.parametrize(
    "event",
    [
        *(None, 7, "Timer", [], [{"Type": "Timer"}], {}),
        *({"Type": "timer"}, {"Type": ["Timer"]}, {"hello": "world"}),
        *({"version": "2.0"}, {"requestContext": "http"}, {"requestContext": {"connectionId": "c"}}),
        {"Records": [{"eventSource": "aws:s3"}]},
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    ],
)
def test_any_other_event_is_refused_with_the_list_of_known_kinds(event: object) -> None:
    with pytest.raises(UnknownEvent, match=r"event: .*known are: API Gateway.*SCF function URL, timer"):
        detect(event)


def test_the_error_about_an_unknown_event_shows_nothing_of_it() -> None:
    """An event may hold anything, a token included."""
    with pytest.raises(UnknownEvent) as refused:
        detect({"token": "sandbox-token"})
    assert "token" not in str(refused.value)
