"""What `PARAMS` gives, and the words for what is wrong with it: the same for both clouds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

PLACEHOLDERS: Final = re.compile(r"(@|//|\.)example\.(com|net|org)\b|\.invalid\b|<[^>]*>|…|\.\.\.|-0{17}\b")
"""Texts that documentation has in place of a real one: names of RFC 2606, `<name>`, dots, and ids of zeros alone."""


STAGE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,29}")


def given(words: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The settings of words such as `door=jwt` and `stream=on`, and what is wrong with their form."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            problems.append(f"{word}: a parameter is <name>=<text>, without a space in it")
        elif name in found:
            problems.append(f"{name}: is given twice")
        else:
            found[name] = value
    return found, problems


def unknown(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """A line for each name that is none of the known ones, with the nearest of these, or else with all."""
    every = sorted(known)
    return [f"{name}: no such parameter. {_hint(name, every)}" for name in names if name not in every]


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"Is it {near[0]}?" if near else f"There are {', '.join(known)}"


def wrong_stage(stage: str) -> list[str]:
    """A line if this cannot be the name of a stage."""
    problem = f"STAGE: is {stage or 'empty'}, and has to be letters, digits and hyphens, at most 30"
    return [] if STAGE.fullmatch(stage) else [problem]


def placeholders(values: Mapping[str, str]) -> list[str]:
    """A line for each value that is still a placeholder."""
    return [f"{name}: {value} is a placeholder" for name, value in values.items() if PLACEHOLDERS.search(value)]
