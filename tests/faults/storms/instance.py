"""One instance of the function as a process of its own: events come in on standard input, replies go out.

Run as `python -m tests.faults.storms.instance`. Every line in is {"event", "timeout_s"}, every line out {"reply"} or
{"error"}. What the function itself prints goes to standard error, so that it can be searched.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import redirect_stdout

from handler.core.errors import CounterError
from handler.main import lambda_handler
from tests.sandbox.contexts import lambda_context


def answer(line: str) -> dict[str, object]:
    request = json.loads(line)
    with redirect_stdout(sys.stderr):
        try:
            return {"reply": lambda_handler(request["event"], lambda_context(request["timeout_s"]))}
        except CounterError as error:
            return {"error": repr(error)}


def main() -> None:
    """Answer event after event, until standard input ends; every library says all that it can."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
