"""Makes the token of a new caller: `ugc_`, 30 random letters and digits, and a checksum in 6 more.

By the prefix, scanners of repositories find a token that has leaked; by the checksum they know it from a text that only
looks like one (github.blog/engineering/behind-githubs-new-authentication-token-formats has the same form). The function
takes any token that is long enough.
"""

import hashlib
import secrets
import string
import sys
import zlib
from collections.abc import Sequence

from layers.command import CommandParser

PREFIX = "ugc_"
RANDOM_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_token() -> str:
    """A token of 178 random bits."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return f"{PREFIX}{random}{checksum(random)}"


def checksum(random: str) -> str:
    """The CRC-32 of the random characters in base 62, the highest digit first."""
    rest, digits = zlib.crc32(random.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a new token and its digest."""
    CommandParser(prog="python -m layers.tokens", description="Make a caller's token.").parse_args(arguments)
    token = new_token()
    sys.stdout.write(f"token         {token}\ntoken_sha256  {hashlib.sha256(token.encode()).hexdigest()}\n")


if __name__ == "__main__":
    main()
