"""What runs in a process of SCF: takes events from a pipe, one after the other, and gives back what becomes of each."""

import importlib
import json
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection


def main(number: int) -> None:
    """Tell that the function is imported, and serve until the other end of the pipe, descriptor `number`, is closed."""
    handler: Callable[[object, object], object] = importlib.import_module("index").main_handler
    with Connection(number) as channel:
        channel.send_bytes(b"ready")
        while True:
            try:
                event, context = json.loads(channel.recv_bytes())
            except EOFError:
                return
            served = _served(handler, event, context)
            # The platform has the whole log of an invocation, whatever happens to the process later.
            sys.stdout.flush()
            channel.send_bytes(json.dumps(served).encode())


def _served(handler: Callable[[object, object], object], event: object, context: object) -> dict[str, object]:
    try:
        returned = handler(event, context)
        # A value that is no JSON is the function's failure, too.
        return {"returned": json.loads(json.dumps(returned))}
    except Exception as error:  # noqa: BLE001  # whatever a function raises, its platform reports it
        trace = traceback.format_exc()
        sys.stderr.write(trace)
        return {"type": type(error).__name__, "message": str(error), "trace": trace.splitlines()}


if __name__ == "__main__":
    main(int(sys.argv[1]))
