"""What a command on SCF acts on: the function of serverless.yml, or that of REGION, NAMESPACE, FUNCTION or STAGE.

The words are those of AWS. What one of them names and `PARAMS` names as well is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from layers import parameters
from layers.scf.plan import tencent_of

PRODUCTION: Final = "prod"
"""The stage of serverless.yml as it stands."""

PREFIX: Final = "scf:"
"""May begin FUNCTION, as it does for operators' commands."""

_SECRET: Final = re.compile(r"tencent:[A-Za-z0-9_-]+")
REGION: Final = re.compile(r"[a-z]{2}-[a-z]+(-[a-z]+)?")

_OF_A_STAGE: Final = ("CHAT_SECRET", "LEDGER_URL")
"""The variables that no two stages may share: one would count for the other's app, or in its ledger."""


def read(
    words: Iterable[str], named: Mapping[str, str | None], stage: str, service: str
) -> tuple[dict[str, str], list[str]]:
    """What replaces texts of `custom.tencent`, and a line for each thing wrong.

    `words` are those of PARAMS, `named` the region, namespace and function that were given by names of their own.
    """
    changes, problems = parameters.given(words)
    for name, text in named.items():
        if text and name in changes:
            problems.append(f"{name}: is given twice, by {name.upper()} and in PARAMS")
        elif text:
            changes[name] = text
    if "function" in changes:
        changes["function"] = changes["function"].removeprefix(PREFIX)
    problems += _wrong(changes, stage)
    return _with_stage(changes, stage, tencent_of(service)), problems


def _wrong(changes: Mapping[str, str], stage: str) -> Iterator[str]:
    region = changes.get("region")
    if region is not None and not REGION.fullmatch(region):
        yield f"REGION: is {region}, and has to be one of SCF, such as ap-singapore"
    yield from parameters.wrong_stage(stage)
    if stage != PRODUCTION and "function" in changes:
        yield f"FUNCTION, STAGE: FUNCTION is {changes['function']}, and STAGE={stage} names another function. Give one"


def _with_stage(changes: Mapping[str, str], stage: str, tencent: Mapping[str, Any]) -> dict[str, str]:
    """The changes, with those of the stage: a name and secrets of its own. Each function has a layer of its own.

    A layer belongs to the whole region, so to remove a function would take away the layer of another that shared it.
    """
    of_stage: dict[str, str] = {}
    if stage != PRODUCTION:
        of_stage["function"] = f"{tencent['function']}-{stage}"
        for variable in _OF_A_STAGE:
            # An empty one is refused, as one that is required.
            secret = _SECRET.fullmatch(str(tencent["environment"].get(variable)))
            of_stage[f"environment.{variable}"] = f"{secret[0]}-{stage}" if secret else ""
    found = {**of_stage, **changes}
    function, namespace = (found.get(name, tencent[name]) for name in ("function", "namespace"))
    elsewhere = [] if namespace == tencent["namespace"] else [namespace]
    if function != tencent["function"] or elsewhere:
        found.setdefault("layer", "-".join([function, *elsewhere]))
    return found
