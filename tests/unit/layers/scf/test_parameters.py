"""Which function a command on SCF acts on: its own words are those of AWS, and what they name twice is refused."""

from collections.abc import Mapping

import pytest

from layers.scf.parameters import read
from layers.scf.plan import SERVICE, Plan, PlanError, read_plan

SERVICE_TEXT = SERVICE.read_text("utf-8")
NEEDED = ("role=ChatCounters", "vpc.id=vpc-1", "vpc.subnet=subnet-1")
NAME = "update-group-counter"


def planned(words: str = "", stage: str = "prod", service: str = SERVICE_TEXT, **named: str) -> Plan:
    changes, problems = read((*NEEDED, *words.split()), named, stage, service)
    assert problems == []
    return read_plan(service, changes)


def test_without_a_word_it_is_the_function_of_the_file() -> None:
    assert planned().name == f"default/{NAME} of SCF in ap-singapore"
    assert (planned().layer, planned(stage="prod")) == (NAME, planned())


@pytest.mark.parametrize(
    ("named", "name", "layer"),
    [
        ({"region": "eu-frankfurt"}, f"default/{NAME} of SCF in eu-frankfurt", NAME),
        ({"function": "likes"}, "default/likes of SCF in ap-singapore", "likes"),
        ({"function": "scf:likes"}, "default/likes of SCF in ap-singapore", "likes"),
        ({"namespace": "live"}, f"live/{NAME} of SCF in ap-singapore", f"{NAME}-live"),
        ({"words": "layer=shared", "function": "likes"}, "default/likes of SCF in ap-singapore", "shared"),
    ],
)
def test_another_function_has_another_layer(named: Mapping[str, str], name: str, layer: str) -> None:
    """To remove one takes no layer away from the other. A layer is in its region, so there its name stays."""
    plan = planned(**named)
    assert (plan.name, plan.layer) == (name, layer)


def test_a_stage_shares_neither_name_nor_layer_nor_secrets() -> None:
    plan = planned(stage="dev")
    assert (plan.function, plan.layer) == (f"{NAME}-dev", f"{NAME}-dev")
    assert plan.environment["CHAT_SECRET"] == f"tencent:{NAME}-dev"
    assert plan.environment["LEDGER_URL"] == f"tencent:{NAME}-ledger-dev"
    assert planned("environment.LEDGER_URL=tencent:other", "dev").environment["LEDGER_URL"] == "tencent:other"


def test_a_stage_does_not_take_the_ledger_of_production() -> None:
    """A text that is no plain name of a secret has to be given for the stage."""
    service = SERVICE_TEXT.replace("LEDGER_URL: tencent:", "LEDGER_URL: rediss://10.0.0.1/")
    with pytest.raises(PlanError, match="LEDGER_URL: is required"):
        planned(stage="dev", service=service)


@pytest.mark.parametrize(
    ("words", "stage", "named", "line"),
    [
        ("role=a role=b", "prod", {}, "role: is given twice"),
        ("region=ap-tokyo", "prod", {"region": "ap-seoul"}, "region: is given twice, by REGION and in PARAMS"),
        ("function=a", "prod", {"function": "b"}, "function: is given twice, by FUNCTION and in PARAMS"),
        ("role", "prod", {}, "role: a parameter is <name>=<text>"),
        ("", "prod", {"region": "ap-southeast-1"}, "REGION: is ap-southeast-1, and has to be one of SCF"),
        ("", "d_v", {}, "STAGE: is d_v, and has to be letters"),
        ("", "dev", {"function": "likes"}, "FUNCTION, STAGE: FUNCTION is likes, and STAGE=dev names another"),
    ],
)
def test_what_is_given_twice_or_at_odds_is_one_line_that_names_it(
    words: str, stage: str, named: Mapping[str, str], line: str
) -> None:
    [found] = read(words.split(), named, stage, SERVICE_TEXT)[1]
    assert found.startswith(line)
