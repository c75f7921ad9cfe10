"""The Chat server and the function, up on localhost until Ctrl-C: `make serve`, or `python -m tests.sandbox.serve`."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Final

from handler.main import lambda_handler, main_handler
from layers.console.site import Site
from tests.sandbox.chat import ENDINGS, ChatApp, ChatServer
from tests.sandbox.comparison import THEIRS, Comparison
from tests.sandbox.dialects import DIALECTS
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.sandbox.gateway import Gateway
from tests.sandbox.page import PageGateway, ServedFunction
from tests.sandbox.swagger import PAGE

FUNCTION_PORT: Final = 8080
CHAT_PORT: Final = 8081
GROUPS: Final = ("live-room", "fan-club")
SWEEP_EVERY_S: Final = 5.0
LOSS: Final = '{"faults": [{"kind": "drop_after"}]}'


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM. Gives 0, or 1 if a port is taken."""
    options = _parser().parse_args(arguments)
    options.group = options.group or list(GROUPS)
    # Before any thread starts, as in `tests.sandbox.chat`.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        with _sandbox(options) as (chat, gateway):
            print(f"See it        {gateway.url}/#{chat.token}", flush=True)
            print(_welcome(chat, gateway, options.group), flush=True)
            signal.sigwait(ENDINGS)
            print("Ending.", flush=True)
    except OSError as error:
        print(
            f"Cannot serve: {error.strerror}. Other ports: --port and --chat-port, 0 for a free one.", file=sys.stderr
        )
        return 1
    return 0


@contextmanager
def _sandbox(options: argparse.Namespace) -> Iterator[tuple[ChatServer, Gateway]]:
    """The Chat server, the function at its address, and the sweep; all gone afterwards, with the ledger."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="update-group-counter-")))
        app = ChatApp(sdkappid=SDKAPPID, keys=(KEY,))
        chat = stack.enter_context(ChatServer(app, port=options.chat_port))
        for group in (*options.group, THEIRS):
            chat.create_group(group)
        os.environ.update(sandboxed_environment(chat.endpoint, folder, DOCS="on"))
        handler = main_handler if options.dialect == "scf" else lambda_handler
        gateway = stack.enter_context(PageGateway(handler, options.dialect, port=options.port))
        gateway.site = Site(ServedFunction(gateway), chat.token, Comparison(chat, gateway, options.group[0]))
        stack.enter_context(_sweeping(gateway, options.sweep_every))
        yield chat, gateway


@contextmanager
def _sweeping(gateway: Gateway, every_s: float) -> Iterator[None]:
    """Send the event of a schedule every so often, as the clouds' timers do."""
    ended = Event()

    def sweep() -> None:
        while not ended.wait(every_s):
            try:
                gateway.invoke(_tick())
            except Exception:  # noqa: BLE001  # a schedule logs what its function raises, and comes again
                traceback.print_exc(file=sys.stderr)

    thread = Thread(target=sweep, name="sweep")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tick() -> dict[str, object]:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"Type": "Timer", "TriggerName": "sweep", "Time": now, "Message": {"task": "sweep"}}


def _welcome(chat: ChatServer, gateway: Gateway, groups: Sequence[str]) -> str:
    sent = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "first", "Content-Type": "application/json"}
    body = f'{{"GroupId": "{groups[0]}", "GroupCounter": [{{"Key": "like", "Value": 5}}], "Mode": "Increase"}}'
    headers = " ".join(f"-H '{name}: {value}'" for name, value in sent.items())
    variables = " ".join(f"{name}='{os.environ[name]}'" for name in ("CHAT_SECRET", "CHAT_ENDPOINT", "LEDGER_URL"))
    return "\n".join(
        [
            f"The function  {gateway.url}  with Swagger UI at {gateway.url}{PAGE} (token: {TOKEN})",
            f"The Chat API  {chat.endpoint}  with its counters at {chat.endpoint}/sandbox/values?group={groups[0]}",
            f"Groups        {' '.join(groups)}",
            "",
            "Try it, as often as you like: one key counts once.",
            "",
            f"  curl -i {gateway.url}/v1/update_group_counter {headers} -d '{body}'",
            "",
            "Lose the reply to the next call, then try another key (the token is this server's alone):",
            "",
            f"  curl {chat.endpoint}/sandbox/plan -H 'Console-Token: {chat.token}' --json '{LOSS}'",
            "",
            "An operator's look at what waits, from another shell here; `make inspect GROUP=…` looks at one group:",
            "",
            f"  {variables} make status",
            "",
            "Ctrl-C ends it.",
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sandbox.serve", description="The local Chat server, and the function in front of it."
    )
    add = parser.add_argument
    add("--port", type=_port, default=FUNCTION_PORT, help="the function's, 0 for a free one (default %(default)s)")
    add("--chat-port", type=_port, default=CHAT_PORT, help="the Chat server's, 0 for a free one (default %(default)s)")
    add("--group", action="append", help=f"a group to create; may be repeated (default {' '.join(GROUPS)})")
    add("--dialect", choices=DIALECTS, default="http-v2", help="the platform's event (default %(default)s)")
    add("--sweep-every", type=float, default=SWEEP_EVERY_S, help="seconds between sweeps (default %(default)s)")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


if __name__ == "__main__":
    sys.exit(main())
