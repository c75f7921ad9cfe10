"""`make verify-sandbox`: what `make verify` does to the app of a function, against a local Chat server."""

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from handler.main import lambda_handler
from layers.command import CommandParser
from layers.operate import table
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment

GROUP: Final = "scratch"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and print what was found; 1 if something is violated."""
    options = _parser().parse_args(arguments)
    event = {"Type": "Operator", "task": "verify", "GroupId": GROUP, "quick": options.quick}
    takes = "half a minute" if options.quick else "some minutes"
    print(f"Acting on the local Chat server, which is not your app; this takes {takes}.")
    chat_server = ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,)))
    with TemporaryDirectory(prefix="update-group-counter-") as folder, chat_server as chat:
        chat.create_group(GROUP)
        os.environ.update(sandboxed_environment(chat.endpoint, Path(folder)))
        with redirect_stdout(StringIO()):
            answer = lambda_handler(event, None)
    print("\n".join(table.lines(answer)))
    return 1 if answer["violated"] else 0


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m tests.sandbox.verify", description="Verify the local Chat server.")
    parser.add_argument("--quick", action="store_true", help="fewer than 100 calls: L1, L2 and L5")
    return parser


if __name__ == "__main__":
    sys.exit(main())
