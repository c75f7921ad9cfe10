"""The command: read the arguments, get a yes where something is changed, send the event, and print the answer."""

from __future__ import annotations

import json
import sys

from layers.operate import arguments, consent, table
from layers.operate.functions import OperatorError, function_of
from layers.operate.place import function_at


def main(given: list[str] | None = None) -> int:
    """Send one event and print its answer; 1 if there was none, or one that tells of a violated assumption."""
    options = arguments.read(given)
    event = arguments.event_of(options)
    try:
        function = function_of(function_at(options), options.region, options.namespace)
        sys.stderr.write(f"Acting on {function.name}\n")
        consent.check(event, function, is_given=options.yes)
        reply = function.invoke(event)
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.task in arguments.WITH_A_TEXT and not options.json and isinstance(reply, dict):
        text = "\n".join(table.lines(reply))
    else:
        text = json.dumps(reply, indent=2, ensure_ascii=False)
    sys.stdout.write(f"{text}\n")
    return 1 if isinstance(reply, dict) and reply.get("violated") else 0


if __name__ == "__main__":
    sys.exit(main())
