"""Compare the decoder of batches with the model of the body, on texts that are nearly or wholly valid.

`decode_body` must take nothing that the strict reader and the model refuse, and read what it takes alike.
`python -m tests.faults.fuzz.bodies --count 500000` makes the long comparison.
"""

import argparse
import json
import random
import sys
from typing import Final

from msgspec import UNSET

from handler.core.errors import BadInput
from handler.core.model.operation import INT64_MAX, INT64_MIN
from handler.core.model.payload import Payload, decode_body
from handler.triggers.parsing import read_json

NUMBERS: Final = (
    *("0", "-0", "1", "-1", "17", str(INT64_MAX), str(INT64_MIN), str(INT64_MAX + 1), str(INT64_MIN - 1)),
    *(str(2**64 - 1), str(2**64), str(-(2**64)), "9" * 30, "-" + "9" * 400, "9" * 5000),
    *("1.0", "1e0", "1E2", "-0.0", "1.5", "1e400", "01", "+1", "0x1", ".5", "1.", "--1", "NaN"),
    *("Infinity", "-Infinity"),
    *("true", "false", "null", '"1"', "[1]", "{}", ""),
)
STRINGS: Final = (
    *("room", "like", "view", "g" * 256, "g" * 257, "k" * 128, "k" * 129, "", " ", "_receipt", "é"),
    *("é" * 64, "群" * 43),
    *("Key", "Value", "GroupId", "Mode", "\ud800", "a\x00b", "a\tb", "a\nb", "\x7f", "\u200b", "\U0001f600"),
)
ESCAPES: Final = ("\\u0061", '\\"', "\\\\", "\\n", "\\ud83d\\ude00", "\\ud800", "\\/", "\\x41", "\\")
SPACES: Final = ("", "", "", " ", "\n", "\t", "\r", "  ", "\x0b", "\xa0", "\ufeff", "/**/")
MODES: Final = ('"Set"', '"Increase"', '"Decrease"', '"set"', '"Add"', "null", "1", '"S\\u0065t"')


class Texts:
    """Makes texts of bodies by chance; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def next(self) -> str:
        """A text: of a valid body as often as not, else with one or two faults."""
        self._faults = self._chance.choice((0, 0, 0, 1, 1, 2))
        text = self._space() + self._body() + self._space()
        return self._cut(text) if self._is_due(0.05) else text

    def _body(self) -> str:
        listed = [self._counter() for _ in range(self._count())]
        counters = f"[{self._space()}{f'{self._space()},{self._space()}'.join(listed)}{self._space()}]"
        fields = [("GroupId", self._string()), ("GroupCounter", counters), ("Mode", self._mode())]
        if self._chance.random() < 0.3:
            fields.append(("IdempotencyKey", self._string()))
        if self._chance.random() < 0.3:
            fields.append(("Caller", self._string()))
        return self._object(fields)

    def _counter(self) -> str:
        return self._object([("Key", self._string()), ("Value", self._number())])

    def _object(self, fields: list[tuple[str, str]]) -> str:
        if self._chance.random() < 0.2:
            self._chance.shuffle(fields)
        if self._is_due(0.1):
            fields.append(self._chance.choice(fields))
        if self._is_due(0.1):
            name, value = fields[-1]
            fields.append((name, self._chance.choice((value, self._string(), self._number(), "[]"))))
        if self._is_due(0.1):
            fields.pop(self._chance.randrange(len(fields)))
        if self._is_due(0.1):
            fields.insert(self._chance.randrange(len(fields) + 1), (self._chance.choice(STRINGS), self._number()))
        parts = [
            f"{self._space()}{self._name(name)}{self._space()}:{self._space()}{value}{self._space()}"
            for name, value in fields
        ]
        return "{" + ",".join(parts) + ("," if self._is_due(0.02) else "") + "}"

    def _name(self, name: str) -> str:
        if self._is_due(0.03):
            name = self._chance.choice(
                (name.lower(), name + " ", f"\\u{ord(name[0]):04x}{name[1:]}" if name else "\\u0041")
            )
        return f'"{name}"'

    def _string(self) -> str:
        if self._is_due(0.05):
            return self._chance.choice(NUMBERS)
        if self._is_due(0.1):
            return f'"a{self._chance.choice(ESCAPES)}"'
        if self._is_due(0.2):
            return f'"{self._chance.choice(STRINGS)}"'
        return f'"{self._chance.choice("abcé群")}{self._chance.randrange(100)}"'

    def _number(self) -> str:
        if self._is_due(0.2):
            return self._chance.choice(NUMBERS)
        return str(self._chance.choice((self._chance.randrange(-9, 10), INT64_MAX, INT64_MIN)))

    def _mode(self) -> str:
        return self._chance.choice(MODES if self._is_due(0.2) else MODES[:3])

    def _count(self) -> int:
        return self._chance.choice((0, 19, 20, 21)) if self._is_due(0.1) else self._chance.choice((1, 1, 2, 3))

    def _space(self) -> str:
        return self._chance.choice(SPACES if self._is_due(0.01) else SPACES[:8])

    def _cut(self, text: str) -> str:
        place = self._chance.randrange(len(text) + 1)
        return self._chance.choice((text[:place], text[:place] + self._chance.choice('"{}[]:,\\0') + text[place:]))

    def _is_due(self, share: float) -> bool:
        if self._faults and self._chance.random() < share:
            self._faults -= 1
            return True
        return False


def compare(count: int, seed: int) -> dict[str, int]:
    """How many texts were compared, how many the decoder took, and how many valid ones it left to the model."""
    texts, taken, left = Texts(seed), 0, 0
    for _ in range(count):
        text = texts.next()
        decoded = decode_body(text.encode(errors="surrogatepass"))
        said = _by_the_model(text)
        if decoded is None:
            left += said is not None
            continue
        taken += 1
        if said != (decoded.group_id, decoded.mode, decoded.counters, decoded.key, decoded.caller):
            raise AssertionError(f"the decoder takes {text!r} for {decoded}, the model for {said}")
        if not all(type(value) is int and INT64_MIN <= value <= INT64_MAX for _, value in decoded.counters):
            raise AssertionError(f"the decoder takes {text!r}")
    return {"compared": count, "taken": taken, "left to the model": left}


def _by_the_model(text: str) -> tuple[object, ...] | None:
    """What the strict reader and the model take the text for; None where they refuse it."""
    try:
        document = read_json(text, "body")
        if not isinstance(document, dict):
            return None
        named = document.pop("IdempotencyKey", UNSET), document.pop("Caller", UNSET)
        payload = Payload.model_validate(document)
    except (BadInput, ValueError):
        return None
    return (payload.group_id, payload.mode, payload.counters, *named)


def main() -> int:
    """Compare, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    sys.stdout.write(f"{json.dumps(compare(arguments.count, arguments.seed))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
