"""The search for secrets in what the function wrote or answered."""

import re
from typing import Final

from tests.sandbox.environment import GIFTS_TOKEN, KEY, LEDGER_PASSWORD, SCHEDULE_TOKEN, TOKEN

SECRETS: Final = {
    "the app's key": re.escape(KEY),
    "a caller's token": "|".join(map(re.escape, (TOKEN, SCHEDULE_TOKEN, GIFTS_TOKEN))),
    "the ledger's password": re.escape(LEDGER_PASSWORD),
    "a credential of the platform": r"made-up-(secret|session)|ASIAMADEUP|AKIDmadeup",
    # Deflated JSON in the vendor's base64 begins like this, and quoting may change its signs. In the middle of another
    # base64 text, such as that of a compressed page, the same letters mean nothing.
    "a UserSig": r"(?<![0-9A-Za-z+/])eJ[w-z][0-9A-Za-z*_%-]{60,}",
    "a query string": r"usersig(=|%3D)|&random=",
}


def leaks(text: str) -> list[str]:
    return [name for name, pattern in SECRETS.items() if re.search(pattern, text)]
