"""Drives the sandbox's decisions without sockets, in whatever time a test names, as a simulator would."""

import json
from urllib.parse import urlencode

from tests.sandbox.admission import Call
from tests.sandbox.app import ChatApp
from tests.sandbox.commands import Mode, Name
from tests.sandbox.journal import Entry
from tests.sandbox.replies import Reply
from tests.sandbox.signatures import Signature, sign

NOW = 1_700_000_000.0
KEY = "key-1"


def new_app() -> ChatApp:
    """An app with one group, `G`, and no limit."""
    app = ChatApp(sdkappid=1400000000, keys=(KEY,), rate_limit=None)
    app.groups.create("G", "Public", {})
    return app


def call(name: Name = "update", *, at: float = NOW, life_s: int = 6, group: str = "G", mode: Mode = "Increase") -> Call:
    """A signed call that, as an update, moves `like` by 1."""
    usersig = sign(Signature("administrator", 1400000000, int(at), life_s), KEY)
    query = {
        "sdkappid": "1400000000",
        "identifier": "administrator",
        "usersig": usersig,
        "random": "1",
        "contenttype": "json",
    }
    fields = {"GroupId": group, "Mode": mode, "GroupCounter": [{"Key": "like", "Value": 1}]}
    return Call(name, urlencode(query), json.dumps(fields if name == "update" else {"GroupId": group}).encode())


def conduct(app: ChatApp, sent: Call, now: float = NOW) -> Reply:
    """Take a call through its course as a simulator would, applying it when that is due, and give back its reply."""
    handling = app.receive(sent, now)
    result = handling.result
    if handling.course.apply_after_s is not None:
        result = app.apply(handling, now + handling.course.apply_after_s)
    return app.reply(handling, result, now + handling.course.reply_after_s)


def counters(app: ChatApp) -> dict[str, int]:
    return app.groups.values("G")


def entry(app: ChatApp) -> Entry:
    """The last one of the journal."""
    return app.journal.entries()[-1]
