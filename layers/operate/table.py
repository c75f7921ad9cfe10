"""Answers for a person: of `status` one line on health, and the groups that need a look; of `verify` its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

OLD_S: Final = 600
"""An operation that is owed for longer needs a look: the alarm and the task `check` have the same bound."""

HEADINGS: Final = ("GROUP", "STATE", "SINCE", "AGE", "QUEUED", "LAST ERROR", "NEXT STEP")


def lines(answer: Mapping[str, object]) -> list[str]:
    """The lines that stand for an answer of the task `status` or `verify`."""
    told = _verified(answer) if answer.get("task") == "verify" else _status(answer)
    return [*told, *notes(answer)]


def notes(answer: Mapping[str, object]) -> list[str]:
    """What the answer tells that is not about a group."""
    return [*_lasting(answer), *_open(answer), *_ending(answer)]


def _verified(answer: Mapping[str, object]) -> list[str]:
    """Each finding with its evidence, and below a violated one the setting to change."""
    findings = answer["findings"]
    told = [line for each in findings for line in _finding(each)] if isinstance(findings, list) else []
    told += ["", f"{answer['calls']} calls; {answer['violated']} violated, {answer['not_tested']} not tested"]
    if answer["stored"] is False:
        told.append("The ledger did not take the result: instances go on to say that there is none")
    if answer["set_back"] is False:
        told.append("The counters of the group could not be set back")
    return told


def _finding(finding: Mapping[str, object]) -> list[str]:
    evidence = finding.get("evidence")
    shown = [f"{name}={value}" for name, value in evidence.items()] if isinstance(evidence, dict) else []
    head = f"{finding['test']} {finding.get('assumption', ''):3}  {finding['verdict']:10}  {finding['name']:38}"
    advice = [f"{'':20}{finding['advice']}"] if "advice" in finding else []
    return [" ".join(["  " + head, *shown]).rstrip(), *advice]


def _status(status: Mapping[str, object]) -> list[str]:
    groups = _groups(status)
    after = status.get("after")
    more = [f"More of them: AFTER={after}"] if after else []
    table = _table([HEADINGS, *map(cells, groups)] if groups else [])
    return [health(status), *table, *more]


def _groups(status: Mapping[str, object]) -> list[Mapping[str, object]]:
    attention = status.get("attention")
    return [each for each in attention if isinstance(each, dict)] if isinstance(attention, list) else []


def _lasting(status: Mapping[str, object]) -> list[str]:
    """A table without its expiry attribute grows for ever; an earlier function does not tell."""
    if status.get("ledger_expires") is not False:
        return []
    return ["The ledger keeps what has ended: turn on the expiry of its table, by the attribute `ttl`"]


def _open(status: Mapping[str, object]) -> list[str]:
    """Which callers the secret sets no bounds to; an earlier function does not tell."""
    names = status.get("callers_without_rights")
    return [f"Callers that may do everything: {', '.join(names)}"] if isinstance(names, list) and names else []


def _ending(status: Mapping[str, object]) -> list[str]:
    """The parked records that are dropped within a week, the next ones first."""
    ending = status.get("expiring")
    records = [each for each in ending if isinstance(each, dict)] if isinstance(ending, list) else []
    return [f"Dropped at {each['expires_at']}: the parked record {each['id']} of {each['source']}" for each in records]


def health(status: Mapping[str, object]) -> str:
    """One line that says whether it is well, and what is not."""
    groups = _groups(status)
    oldest_s = float(str(status["oldest_unfinished_s"]))
    paused = status.get("paused")
    found = [
        f"{status[name]} {words}"
        for name, words in (("frozen", "frozen groups"), ("parked", "parked records"))
        if status[name]
    ]
    if oldest_s > OLD_S:
        found.append(f"an operation is owed for {oldest_s:.0f} s")
    if isinstance(paused, dict):
        found.append(f"PAUSED since {paused['since']}: {paused['reason']}")
    elif any(group["state"] == "paused" for group in groups):
        found.append("groups are paused")
    if any(group["queued"] is None for group in groups):
        found.append("groups cannot be read")
    facts = f"unfinished groups: {status['unfinished']}, oldest operation: {oldest_s:.0f} s"
    facts = f"{facts}, generation: {status['generation']}"
    if status.get("complete") is False:
        facts = f"{facts}; at least, as there was no time to count all"
    if found:
        return f"NOT WELL: {'; '.join(found)}. ({facts})"
    fails = any(group.get("last_error") for group in groups)
    return f"Well so far, but calls fail: see LAST ERROR. ({facts})" if fails else f"Well. ({facts})"


def cells(group: Mapping[str, object]) -> tuple[str, ...]:
    """What stands under the headings."""
    state = f"{group['state']}: {group['reason']}" if group.get("reason") else str(group["state"])
    told = (group["GroupId"], state, group["since"], group["age"], group["queued"], group["last_error"], group["next"])
    return tuple("-" if cell is None else str(cell) for cell in told)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows with their columns under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [row.rstrip() for row in padded]
