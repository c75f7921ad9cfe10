"""The arguments of the command, and the event that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from layers.command import CommandParser, empty
from layers.operate.place import add_place, wrong_place

Event: TypeAlias = dict[str, object]
Adder: TypeAlias = Callable[[argparse.ArgumentParser], object]

VERDICTS: Final = ("landed", "not-landed")

WITH_A_TEXT: Final = frozenset({"status", "verify"})
"""The tasks whose answer is shown as a text for a person, unless its JSON is asked for."""

_LOOKS: Final = frozenset({"status", "inspect", "operation", "verify"})
_HOW: Final = frozenset({"local", "function", "stage", "region", "namespace", "yes", "json"})


def read(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; an exit with code 2 where it is wrong, or holds what would be ignored."""
    made = parser()
    options = made.parse_args(arguments)
    wrong = empty(options) or wrong_place(options) or _wrong_together(options)
    if wrong:
        made.error(wrong)
    return options


def _wrong_together(options: argparse.Namespace) -> str | None:
    if options.task == "verify" and options.local:
        named = "name the deployed function by FUNCTION= or STAGE= (--function, --stage)"
        return f"verify tries out the live API: {named}. make verify-sandbox tries out the local Chat server"
    if options.yes and options.task in _LOOKS:
        return f"YES=1 (--yes) is for what changes something: {options.task} only looks"
    if options.json and options.task not in WITH_A_TEXT:
        return f"JSON=1 (--json) is for {' and '.join(sorted(WITH_A_TEXT))}: {options.task} answers in JSON"
    is_replay = options.task == "parked" and options.action == "replay"
    return _wrong_about_replay(options) if is_replay else None


def _wrong_about_replay(options: argparse.Namespace) -> str | None:
    if options.id and (options.source or options.after or options.limit is not None):
        return "--source, --after and --limit are for --all: --id names one record"
    return "--key is for --id: one key stands for one record" if options.all and options.IdempotencyKey else None


def event_of(options: argparse.Namespace) -> Event:
    """The event that the arguments ask for: they have the names of its fields."""
    given = {name: value for name, value in vars(options).items() if value is not None and name not in _HOW}
    if "verdicts" in given:
        given["verdicts"] = dict(given["verdicts"])
    return {"Type": "Operator", **given}


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = CommandParser(prog="python -m layers.operate", description="Send an operator event.")
    add_place(made)
    made.add_argument("--yes", action="store_true", help="do not ask before something is changed")
    made.add_argument("--json", action="store_true", help="the answer of status or verify as JSON")
    tasks = made.add_subparsers(dest="task", required=True)
    for task, add in _TASKS.items():
        add(tasks.add_parser(task))
    return made


def _nothing(_: argparse.ArgumentParser) -> None:
    return None


def _page(taken: argparse.ArgumentParser) -> None:
    taken.add_argument("--after", help="the page after this one: what the answer before it said")
    taken.add_argument("--limit", type=int, help="how many at most")


def _group(taken: argparse.ArgumentParser, *, is_needed: bool = True) -> None:
    taken.add_argument("--group", required=is_needed, dest="GroupId", metavar="ID", help="its GroupId")


def _operation(taken: argparse.ArgumentParser) -> None:
    _group(taken)
    taken.add_argument("--caller", required=True, dest="Caller", metavar="NAME", help="who asked for it")
    taken.add_argument("--key", required=True, dest="IdempotencyKey", metavar="KEY", help="its idempotency key")


def _debt(taken: argparse.ArgumentParser) -> None:
    drop = "give up what is owed back to the group"
    taken.add_argument("--drop-debt", action="store_const", const="drop", dest="debt", help=drop)


def _adopt(taken: argparse.ArgumentParser) -> None:
    _group(taken)
    _debt(taken)


def _release(taken: argparse.ArgumentParser) -> None:
    _adopt(taken)
    form = "ID=landed|not-landed"
    judged = "whether the counters hold this operation already"
    taken.add_argument("--verdict", type=_verdict, action="append", dest="verdicts", metavar=form, help=judged)
    taken.add_argument("--queued", choices=VERDICTS, help="a restored group's queue, where not named")
    taken.add_argument("--receipt", type=int, help="the receipt upstream as the inspection showed it")
    _dry_run(taken)


def _dry_run(taken: argparse.ArgumentParser) -> None:
    taken.add_argument("--dry-run", action="store_const", const=True, help="say what would happen, and change nothing")


def _forget(taken: argparse.ArgumentParser) -> None:
    _group(taken)
    _dry_run(taken)
    again = "forget answers that a caller may still ask for: what is repeated then counts a second time"
    taken.add_argument("--even-remembered", action="store_const", const=True, help=again)


def _verify(taken: argparse.ArgumentParser) -> None:
    _group(taken)
    quick = "fewer than 100 calls: L1, L2 and L5"
    taken.add_argument("--quick", action="store_const", const=True, help=quick)


def _pause(taken: argparse.ArgumentParser) -> None:
    _resume(taken)
    taken.add_argument("--reason", required=True, help="for those who find it paused")


def _resume(taken: argparse.ArgumentParser) -> None:
    _group(taken, is_needed=False)


def _parked(taken: argparse.ArgumentParser) -> None:
    actions = taken.add_subparsers(dest="action", required=True)
    listing, replay, drop = (actions.add_parser(action) for action in ("list", "replay", "drop"))
    _page(listing)
    records = replay.add_mutually_exclusive_group(required=True)
    records.add_argument("--id", help="of the record")
    records.add_argument("--all", action="store_const", const=True, help="replay every record")
    replay.add_argument("--source", help="with --all, the records of this source alone")
    again = "with --id, another idempotency key to replay it under"
    replay.add_argument("--key", dest="IdempotencyKey", metavar="KEY", help=again)
    _page(replay)
    drop.add_argument("--id", required=True, help="of the record")


def _verdict(text: str) -> tuple[str, str]:
    named, _, verdict = text.rpartition("=")
    if not named or verdict not in VERDICTS:
        raise argparse.ArgumentTypeError("a verdict is <id>=landed or <id>=not-landed")
    return named, verdict


_TASKS: Final[Mapping[str, Adder]] = {
    "status": _page,
    "inspect": _group,
    "operation": _operation,
    "adopt": _adopt,
    "release": _release,
    "pause": _pause,
    "resume": _resume,
    "restored": _nothing,
    "forget": _forget,
    "parked": _parked,
    "verify": _verify,
}
