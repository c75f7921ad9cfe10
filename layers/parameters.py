"""What `PARAMS` gives, and the words for what is wrong with it: the same for both clouds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

PLACEHOLDERS: Final = re.compile(r"(@|//|\.)example\.(com|net|org)\b|\.invalid\b|<[^>]*>|…|\.\.\.|-0{17}\b")
"""Texts that documentation has in place of a real one: names of RFC 2606, `<name>`, dots, and ids of zeros alone."""


def given(text: str) -> tuple[dict[str, str], list[str]]:
    """The settings of a text such as `door=jwt stream=on`, and what is wrong with its form."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for word in text.split():
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


def placeholders(values: Mapping[str, str]) -> list[str]:
    """A line for each value that is still a placeholder."""
    return [f"{name}: {value} is a placeholder" for name, value in values.items() if PLACEHOLDERS.search(value)]
