"""The environment, read into one frozen object: every variable, its bounds, and what may not stand together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from handler.config import values
from handler.config.addresses import CLEAR_TEXT, CLEAR_TEXT_ALLOWED, is_in_the_clear, is_vendors
from handler.config.values import DAY_S, EVENT_NAMES
from handler.core.errors import SettingsError

# Records must outlive every repetition that can still come.
WINDOW_SPARE_S = 900

# Against a real region the guard covers the 3 s that the API may work on a request, a second of skew and one to spare.
REGION_GUARD_MIN_S = 5
API_LIMIT_S = 3

# The sweep, which comes each minute, makes the calls that no caller waits for, and until then a row has to hold them.
GROUP_INTERVAL_MAX_S = 60

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Settings:
    """The variables of the contract; times in seconds."""

    chat_secret: str = field(repr=False)
    chat_region: str | None
    chat_endpoint: str | None
    ledger_url: str = field(repr=False)
    receipt_key: str
    timeout_s: float
    life_s: int
    guard_s: float
    bound_s: float
    wait_s: float
    calls_per_second: float
    window_s: float
    http_auth: str
    base_path: str
    """Empty, or with a leading slash and none at the end."""
    docs: bool
    init_early: bool
    fan_out_queue: str | None
    source_epoch: str = ""
    """Part of the keys of Kafka's records that name no cluster, or no time."""
    reports_offsets: bool = False
    """Whether Kafka's mapping on AWS takes partial replies."""
    group_interval_s: float = 0.0
    """Calls of one busy group are no closer than this; 0 for no such pace."""
    parked_s: float = 90.0 * DAY_S
    """How long parked records are kept."""
    allow_cleartext: bool = False
    events: frozenset[str] = EVENT_NAMES
    """The kinds of events that this function takes."""
    cors_origins: frozenset[str] = frozenset()
    """Where pages in a browser may call from."""

    @property
    def has_weaker_promise(self) -> bool:
        """Whether a request could outlive its attempt's presumed death, or nothing tells whether it landed."""
        return self.bound_s < self.life_s + self.guard_s or not self.receipt_key

    @property
    def is_against_region(self) -> bool:
        """Whether calls go to a region of the vendor: by its name, or by an endpoint that is the vendor's own."""
        return self.chat_endpoint is None or is_vendors(self.chat_endpoint)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and still unwise."""
        warnings = []
        if self.is_against_region and self.timeout_s <= API_LIMIT_S:
            warnings.append(f"CHAT_TIMEOUT_S: should be longer than the API's own limit of {API_LIMIT_S} s")
        if self.chat_endpoint and is_in_the_clear(self.chat_endpoint):
            warnings.append(f"CHAT_ENDPOINT: {CLEAR_TEXT_ALLOWED}")
        return tuple(warnings)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check every variable; SettingsError names all that are missing, wrong or contradictory."""
        variables = _Variables(environment)
        life_s = variables.read("SIGNATURE_LIFE_S", values.life, default=6)
        guard_s = variables.read("CLOCK_GUARD_S", values.decimal(0), default=5.0)
        settings = cls(
            chat_secret=variables.require("CHAT_SECRET"),
            chat_region=variables.read("CHAT_REGION", values.region, default=None),
            chat_endpoint=variables.read("CHAT_ENDPOINT", values.endpoint, default=None),
            ledger_url=variables.require("LEDGER_URL"),
            receipt_key=variables.read("RECEIPT_KEY", values.receipt_key, default="_receipt", empty=""),
            timeout_s=variables.read("CHAT_TIMEOUT_S", values.decimal(0.001), default=4.0),
            life_s=life_s,
            guard_s=guard_s,
            bound_s=variables.read("ATTEMPT_BOUND_S", values.decimal(0.001), default=life_s + guard_s),
            wait_s=variables.read("WAIT_S", values.decimal(0), default=5.0),
            calls_per_second=variables.read("CHAT_CALLS_PER_SECOND", values.decimal(1), default=200.0),
            window_s=variables.read("DEDUPE_WINDOW_S", values.decimal(1), default=15.0 * DAY_S),
            http_auth=variables.read("HTTP_AUTH", values.http_auth, default="bearer"),
            base_path=variables.read("BASE_PATH", values.base_path, default=""),
            docs=variables.read("DOCS", values.switch, default=False),
            init_early=variables.read("INIT_EARLY", values.switch, default=False),
            fan_out_queue=variables.read("FAN_OUT_QUEUE", str, default=None),
            source_epoch=variables.read("SOURCE_EPOCH", values.source_epoch, default=""),
            reports_offsets=variables.read("KAFKA_PARTIAL_REPLIES", values.switch, default=False),
            parked_s=DAY_S * variables.read("PARKED_DAYS", values.decimal(1, values.DAYS_MAX), default=90.0),
            group_interval_s=variables.read("GROUP_INTERVAL_S", values.decimal(0, GROUP_INTERVAL_MAX_S), default=0.0),
            allow_cleartext=variables.read("ALLOW_CLEARTEXT", values.switch, default=False),
            events=variables.read("EVENTS", values.events, default=EVENT_NAMES),
            cors_origins=variables.read("CORS_ORIGINS", values.origins, default=frozenset()),
        )
        variables.refuse_contradictions(settings)
        return settings


class _Variables:
    """Reads variables one by one and keeps what is wrong with them, so that one error can name it all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[tuple[str, str]] = []

    def read(self, name: str, parse: Callable[[str], _Value], default: _Value, empty: _Value | None = None) -> _Value:
        """The parsed variable; where it is not set, or set to nothing and `empty` says nothing else, the default."""
        text = self._environment.get(name)
        if not text:
            return default if text is None or empty is None else empty
        try:
            text.encode()
            return parse(text)
        except UnicodeEncodeError:
            self._problems.append((name, "is not UTF-8"))
        except ValueError as problem:
            self._problems.append((name, str(problem)))
        return default

    def require(self, name: str) -> str:
        """A variable without a default, as it is."""
        if not self._environment.get(name):
            self._problems.append((name, "is required"))
        return self.read(name, str, default="")

    def refuse_contradictions(self, settings: Settings) -> None:
        """Raise for everything noticed so far and, if each variable alone is right, for contradictions."""
        problems = self._problems or [(rule.variable, rule.problem) for rule in _rules(settings) if rule.broken]
        if problems:
            (variable, problem), *others = problems
            raise SettingsError(variable, "; ".join([problem, *(f"{name}: {text}" for name, text in others)]))


class Rule(NamedTuple):
    """What a variable's value may not be beside those of others, and whether it is."""

    variable: str
    broken: bool
    problem: str


def _rules(settings: Settings) -> list[Rule]:
    span_s = settings.life_s + settings.guard_s
    window_min_s = span_s + WINDOW_SPARE_S
    endpoint = settings.chat_endpoint
    return [
        Rule(
            variable="CHAT_REGION",
            broken=endpoint is None and not settings.chat_region,
            problem="is required, unless CHAT_ENDPOINT is given",
        ),
        Rule(
            variable="CHAT_ENDPOINT",
            broken=endpoint is not None and is_in_the_clear(endpoint) and not settings.allow_cleartext,
            problem=CLEAR_TEXT,
        ),
        Rule(
            variable="CLOCK_GUARD_S",
            broken=settings.is_against_region and settings.guard_s < REGION_GUARD_MIN_S,
            problem=f"must be at least {REGION_GUARD_MIN_S}, unless CHAT_ENDPOINT is a host that is not the vendor's",
        ),
        Rule(
            variable="CHAT_TIMEOUT_S",
            broken=settings.timeout_s >= span_s,
            problem=f"must be less than SIGNATURE_LIFE_S + CLOCK_GUARD_S, which is {span_s:g}",
        ),
        Rule(
            variable="ATTEMPT_BOUND_S",
            broken=settings.bound_s < settings.timeout_s,
            problem=f"must be at least CHAT_TIMEOUT_S, which is {settings.timeout_s:g}",
        ),
        Rule(
            variable="DEDUPE_WINDOW_S",
            broken=settings.window_s < window_min_s,
            problem=f"must be at least SIGNATURE_LIFE_S + CLOCK_GUARD_S + {WINDOW_SPARE_S}, which is {window_min_s:g}",
        ),
    ]
