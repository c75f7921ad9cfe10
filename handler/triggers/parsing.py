"""JSON from outside, read strictly: what two readers could take for two different things is refused."""

from __future__ import annotations

import json

from handler.core.errors import BadInput


def read_json(text: str, field: str) -> object:
    """Decode a JSON text; BadInput names `field`, and says where the text goes wrong without showing any of it."""
    try:
        document: object = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refused, parse_float=_decimal
        )
    except json.JSONDecodeError as error:
        raise BadInput(field, f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except _AmbiguousError as error:
        raise BadInput(field, str(error)) from None
    except RecursionError:
        raise BadInput(field, "is nested too deeply") from None
    except ValueError:
        raise BadInput(field, "holds a number with too many digits") from None
    check_text(document, field)
    return document


def check_text(document: object, field: str) -> None:
    """Refuse a decoded document that JSON in UTF-8 cannot say, such as half a surrogate pair, or NaN."""
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise BadInput(field, "holds text that is not Unicode: half of a surrogate pair") from None
    except RecursionError:
        raise BadInput(field, "is nested too deeply") from None
    except (TypeError, ValueError):
        raise BadInput(field, "holds what JSON cannot say") from None


class _AmbiguousError(Exception):
    """JSON that Python reads and the standard leaves open or forbids."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _AmbiguousError("holds an object with the same name twice")
    return document


def _refused(_: str) -> object:
    raise _AmbiguousError("holds NaN or Infinity, which are not JSON")


def _decimal(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise _AmbiguousError("holds a number that is too large")
    return number
