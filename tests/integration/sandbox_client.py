"""What a client sees of a call to the sandbox, in a word or two."""

import http.client
from collections.abc import Callable
from dataclasses import replace

from tests.sandbox.caller import Answer, Caller

SDKAPPID = 1400000000
KEY = "key-1"


def impatient(caller: Caller) -> Caller:
    """The same backend, giving up after a fifth of a second."""
    return replace(caller, timeout_s=0.2)


def increase(caller: Caller) -> Answer:
    """An update that adds 1 to `like` and 7 to the receipt."""
    return caller.update("G", "Increase", {"like": 1, "_receipt": 7})


def seen(send: Callable[[], Answer]) -> str:
    """What a client sees of a call, in a word or two."""
    try:
        answer = send()
    except http.client.RemoteDisconnected:
        return "hung up"
    except http.client.IncompleteRead:
        return "cut"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "nothing"
    if answer.headers["content-type"] == "text/html":
        return f"{answer.status} HTML"
    counters = answer.fields.get("GroupCounter")
    keys = [counter["Key"] for counter in counters] if isinstance(counters, list) else "no counters"
    return f"{answer.fields['ErrorCode']} {keys}"
