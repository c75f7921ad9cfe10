"""The one place that names concrete classes and builds them: once per warm instance, at its first event or before it.

A build that fails is tried again at the next event. Two threads that come first at the same time may build one each,
which is only a waste: exactness lives in the ledger.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from threading import Thread
from typing import TYPE_CHECKING

from handler.chat.client import GREETING_S, READ_LIFE_S, ChatClient, ProbeClient, base_url
from handler.clock import SystemClock
from handler.config import addresses, ledger_url, queue_url
from handler.config.ledger_url import DynamoDbUrl, LedgerReference, LedgerUrl, RedisUrl
from handler.config.queue_url import CkafkaHub, SqsUrl
from handler.config.settings import Settings
from handler.core.errors import SettingsError
from handler.core.ports.counter_api import Unclear, Unsent
from handler.core.ports.ledger import Ledger, ParkedAndNotes
from handler.core.ports.queue import Queue
from handler.core.ports.system import Clock, Measure, Notice, Timed
from handler.core.ports.vault import Secret, Vault
from handler.core.runtime.instance import Instance, Rules
from handler.telemetry import SERVICE, SERVICE_VARIABLE, Reports
from handler.triggers.context import AppContext, remind
from handler.triggers.http.auth import Authenticator, Bearer, Callers, Platform
from handler.triggers.http.routes import HttpContext
from handler.triggers.http.webhook_signature import Signature, check_keys
from handler.triggers.invocation import current_deadline
from handler.vault.cache import CachedVault
from handler.vault.references import is_reference, source_for
from handler.vault.secret import parse

if TYPE_CHECKING:
    from handler.clouds.aws import AwsSession


def app_context() -> AppContext:
    """What this warm instance works with. Raises SettingsError, or SecretUnavailable if a reference leads nowhere."""
    return http_context().app


def warm_up() -> None:
    """With INIT_EARLY on: build the instance, fetch the secret, ask the ledger, and the API for its time (R12).

    A failure is logged. The first event tries again, and tells its caller if it fails as well.
    """
    try:
        if _settings().init_early:
            made = app_context()
            with _greeting(made.instance, made.vault.current().sdkappid):
                made.instance.ledger.generation()
    except Exception as error:  # noqa: BLE001  # an instance whose import fails could answer no event
        reports().failed(error)


@contextmanager
def _greeting(instance: Instance, app: int) -> Iterator[None]:
    """Greet the API in a thread beside the work of this block, and wait for it until `GREETING_S` have passed.

    A lookup of the host's name may take longer. Nothing waits for it, and the request is then never completed.
    """
    thread = Thread(target=_greet, args=(instance, app), daemon=True)
    until = instance.clock.monotonic() + GREETING_S
    thread.start()
    try:
        yield
    finally:
        thread.join(max(0.0, until - instance.clock.monotonic()))


def _greet(instance: Instance, app: int) -> None:
    """Learn the API's time, and open a connection to it, before the first caller waits for either."""
    api, clock = instance.api, instance.clock
    if not isinstance(api, ChatClient):
        return
    began = clock.monotonic()
    try:
        reply = api.greet(app, instance.api_clock.now())
        instance.api_clock.learn(reply.date, reply.connection)
        if isinstance(reply, Unclear | Unsent):
            instance.call_failed(reply.reason, clock.monotonic() - began)
    except Exception as error:  # noqa: BLE001  # a thread's own way to report one would show the values in it
        reports().failed(error)


@lru_cache(maxsize=1)
def reports() -> Reports:
    """Where this warm instance logs and counts."""
    return Reports(os.environ.get(SERVICE_VARIABLE) or SERVICE)


def reset() -> None:
    """Drop the instance, so that the next event builds a new one, as a cold start does. For tests."""
    for made in (http_context, reports, _settings, _aws_session):
        made.cache_clear()


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings.read(os.environ)


@lru_cache(maxsize=1)
def http_context() -> HttpContext:
    """The same as `app_context`, with what only HTTP needs. The environment is read once."""
    settings, clock, chance = _settings(), SystemClock(), random.SystemRandom()
    source = source_for(settings.chat_secret, os.environ, session=_aws_session)
    vault = CachedVault(source, partial(_secret, settings.http_auth), clock, reports())
    api = ChatClient(
        settings.chat_endpoint or base_url(str(settings.chat_region)),
        vault,
        chance,
        timeout_s=settings.timeout_s,
        read_life_s=max(READ_LIFE_S, settings.life_s),
    )
    ledger, parked, place = _stores(settings, clock)
    made = AppContext(
        instance=Instance.of(
            ledger=ledger,
            api=api,
            clock=clock,
            chance=chance,
            reporter=reports(),
            parked=parked,
            rules=_rules(settings, ledger.generation_cache_s),
        ),
        probes=ProbeClient(api.calls),
        vault=vault,
        queue=_queue(settings),
        source_epoch=settings.source_epoch,
        reports_offsets=settings.reports_offsets,
        ledger_place=place,
        events=settings.events,
    )
    _report(settings)
    remind(made)
    return HttpContext(
        app=made,
        authenticator=_authenticator(settings.http_auth, vault, clock),
        wait_s=settings.wait_s,
        base_path=settings.base_path,
        docs=settings.docs,
        origins=settings.cors_origins,
    )


def _secret(scheme: str, text: str) -> Secret:
    """The secret, with callers that the scheme of HTTP_AUTH can know."""
    secret = parse(text, by_name=scheme == Platform.scheme)
    if scheme == Signature.scheme:
        check_keys(secret)
    return secret


def _authenticator(scheme: str, vault: Vault, clock: Clock) -> Authenticator:
    """The scheme that HTTP_AUTH names."""
    callers = Callers(vault, reports(), clock)
    if scheme == Platform.scheme:
        return Platform(callers)
    return Signature(callers, clock) if scheme == Signature.scheme else Bearer(callers)


def _stores(settings: Settings, clock: Clock) -> tuple[Ledger, ParkedAndNotes, str]:
    """The store that LEDGER_URL names, the parked records in it, and its place; only this one's client is loaded."""
    text, renewed = settings.ledger_url, _never_renewed
    if is_reference(text):
        source = source_for(text, os.environ, ledger_url.VARIABLE, _aws_session)
        reference = LedgerReference(source, clock, reports().failed)
        text, renewed = reference.text, reference.renewed
    url = _ledger_url(text, allow_cleartext=settings.allow_cleartext)
    place = ledger_url.shown(url)
    if isinstance(url, RedisUrl):
        return *_redis(url, clock, lambda: _renewed(renewed(), settings)), place
    if isinstance(url, DynamoDbUrl):
        return *_dynamodb(url, clock), place
    from handler.ledgers.sqlite.ledger import SqliteLedger

    ledger = SqliteLedger(url.path, clock, synchronous=url.synchronous, deadline=current_deadline, timed=_timed())
    return ledger, ledger.parked(), place


def _ledger_url(text: str, *, allow_cleartext: bool) -> LedgerUrl:
    url = ledger_url.read(text)
    addresses.check(ledger_url.VARIABLE, ledger_url.address(url), allow_cleartext=allow_cleartext, warn=reports().warn)
    return url


def _renewed(text: str | None, settings: Settings) -> RedisUrl | None:
    """The server's other URL, if it has one. Another kind of ledger is another instance's: operations are in Redis."""
    try:
        other = None if text is None else _ledger_url(text, allow_cleartext=settings.allow_cleartext)
    except SettingsError as failure:
        reports().failed(failure)
        return None
    return other if isinstance(other, RedisUrl) else None


def _timed() -> Timed:
    """Measures the ledger's round trips."""
    return partial(reports().timing, Measure.LEDGER_LATENCY_S)


def _never_renewed() -> str | None:
    """What stands in the variable itself stays what it is."""
    return None


def _redis(url: RedisUrl, clock: Clock, renewed: Callable[[], RedisUrl | None]) -> tuple[Ledger, ParkedAndNotes]:
    from handler.ledgers.redis.ledger import RedisLedger

    ledger = RedisLedger(url, clock, warn=reports().warn, renewed=renewed, timed=_timed())
    return ledger, ledger.parked()


def _dynamodb(url: DynamoDbUrl, clock: Clock) -> tuple[Ledger, ParkedAndNotes]:
    try:
        from handler.ledgers.dynamodb.ledger import DynamoDbLedger
    except ModuleNotFoundError as missing:
        # AWS's runtime brings its own SDK, and others may not have packed it.
        raise SettingsError(
            ledger_url.VARIABLE, f"dynamodb:// needs the package {missing.name}, which is not there"
        ) from None
    region = url.region or os.environ.get("AWS_REGION")
    ledger = DynamoDbLedger(
        url.table, clock, region=region, endpoint=url.endpoint, create=url.create, session=_aws_session, timed=_timed()
    )
    return ledger, ledger.parked()


@lru_cache(maxsize=1)
def _aws_session() -> AwsSession:
    """What all clients of AWS are made by."""
    from handler.clouds.aws import AwsSession

    return AwsSession()


def _queue(settings: Settings) -> Callable[[], Queue] | None:
    """What makes the queue that FAN_OUT_QUEUE names: its client is loaded only when there are pages to send."""
    if settings.fan_out_queue is None:
        return None
    url = queue_url.read(settings.fan_out_queue)
    if isinstance(url, CkafkaHub):
        return partial(_ckafka, url)
    addresses.check(queue_url.VARIABLE, url.url, allow_cleartext=settings.allow_cleartext, warn=reports().warn)
    return partial(_sqs, url)


def _sqs(url: SqsUrl) -> Queue:
    try:
        from handler.queues.sqs import SqsQueue
    except ModuleNotFoundError as missing:
        raise SettingsError(queue_url.VARIABLE, f"needs the package {missing.name}, which is not there") from None
    region = url.region or os.environ.get("AWS_REGION")
    return SqsQueue(url.url, region=region, endpoint=url.endpoint, session=_aws_session)


def _ckafka(hub: CkafkaHub) -> Queue:
    from handler.clouds.tencent import client_profile, role_credential
    from handler.queues.ckafka import ENDPOINT_VARIABLE, CkafkaQueue

    region = hub.region or os.environ.get("TENCENTCLOUD_REGION")
    if not region:
        raise SettingsError(queue_url.VARIABLE, "needs a region, by ?region= or in TENCENTCLOUD_REGION")
    credential = partial(role_credential, os.environ, "pages cannot be sent")
    return CkafkaQueue(hub.id, region, credential, client_profile(os.environ, ENDPOINT_VARIABLE))


def _rules(settings: Settings, cache_s: float) -> Rules:
    return Rules(
        receipt_key=settings.receipt_key,
        timeout_s=settings.timeout_s,
        life_s=settings.life_s,
        bound_s=settings.bound_s,
        guard_s=settings.guard_s,
        calls_per_second=settings.calls_per_second,
        cache_s=cache_s,
        window_s=settings.window_s,
        group_interval_s=settings.group_interval_s,
        parked_s=settings.parked_s,
    )


def _report(settings: Settings) -> None:
    for warning in settings.warnings:
        reports().warn(warning)
    if settings.has_weaker_promise:
        receipts = "on" if settings.receipt_key else "off"
        reports().report(Notice.WEAKER_PROMISE, receipts=receipts, attempt_bound_s=settings.bound_s)
