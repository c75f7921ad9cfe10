"""What a function in the sandbox is given: environment variables, a secret file with made-up values, and a ledger."""

import hashlib
import json
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tests.sandbox.chat import DEMO_KEY, DEMO_SDKAPPID

SDKAPPID: Final = DEMO_SDKAPPID
IDENTIFIER: Final = "administrator"
KEY: Final = DEMO_KEY

CALLER: Final = "mobile-backend"
TOKEN: Final = "sandbox-token-mobile-backend"
SCHEDULE: Final = "schedule"
SCHEDULE_TOKEN: Final = "sandbox-token-schedule"
GIFTS_TOKEN: Final = "sandbox-token-gifts-only"
GIFTS: Final = {
    "name": "gifts",
    "token": GIFTS_TOKEN,
    "may": [{"modes": ["Increase"], "groups": ["live-*"], "keys": ["gift"], "at_most": 100}],
}
"""A caller with rights."""

LEDGER_USER: Final = "counters"
LEDGER_PASSWORD: Final = "sandbox-password-of-the-ledger"


def sandboxed_environment(chat_endpoint: str, folder: Path, **overrides: str) -> dict[str, str]:
    """The variables of a function whose secret and ledger lie in `folder`, which is made if it is not there.

    Two calls with the same folder mean two instances of one function; a secret that is there already stays as it is.
    `overrides` add or replace variables.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "secret.json"
    if not secret.exists():
        _write_whole(secret, json.dumps(made_up_secret()))
    return {
        "CHAT_SECRET": f"file:{secret}",
        "CHAT_ENDPOINT": chat_endpoint,
        "LEDGER_URL": f"sqlite:///{quote(str(folder / 'ledger.sqlite'))}",
        **overrides,
    }


def made_up_secret() -> dict[str, object]:
    """The admin secret of the sandbox's app: one caller has a token, one its digest, and one has bounds."""
    digest = hashlib.sha256(SCHEDULE_TOKEN.encode()).hexdigest()
    callers = [{"name": CALLER, "token": TOKEN}, {"name": SCHEDULE, "token_sha256": digest}, GIFTS]
    return {"sdkappid": SDKAPPID, "identifier": IDENTIFIER, "key": KEY, "callers": callers}


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a function which reads it meanwhile never sees half of it."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text, "utf-8")
    draft.replace(path)
