"""A parameter of a deployment to AWS is refused, in one line that names it, unless osls would do what it says."""

from pathlib import Path

import pytest
import yaml

from layers.aws.parameters import FORMS, choices, defaults, read

ROOT = Path(__file__).resolve().parents[4]
SERVICE = (ROOT / "serverless.yml").read_text("utf-8")
EMAIL = "alarm-email=night@corp.io"
JWT = "door=jwt jwt-issuer=https://login.corp.io/ jwt-audience=counters"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"


def problems(text: str, folder: Path = ROOT) -> list[str]:
    return read(text, "test", SERVICE, folder)[1]


def test_every_parameter_of_the_file_has_a_form_or_a_list_of_values() -> None:
    document = yaml.safe_load(SERVICE)
    assert FORMS.keys() | choices(document).keys() == defaults(document, "prod").keys()
    assert FORMS.keys().isdisjoint(choices(document))


@pytest.mark.parametrize(
    "text",
    [
        "",
        JWT,
        "network=vpc vpc-subnets=subnet-0a1b2c3d,subnet-0a1b2c3e vpc-security-groups=sg-0a1b2c3d",
        "queue=existing queue-name=counters table=kept tracing=on daily-reset=ENABLED log-days=400",
        f"kms-key={KEY} permissions-boundary=arn:aws:iam::123456789012:policy/edge role-prefix=corp-chat",
        "senders=arn:aws:iam::123456789012:role/app,arn:aws:sns:eu-west-1:123456789012:likes http-concurrency=20",
    ],
)
def test_what_belongs_together_is_taken(text: str) -> None:
    assert problems(f"{EMAIL} {text}") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("chat-regoin=frankfurt", "chat-regoin: no such parameter. Is it chat-region?"),
        ("colour=red", "colour: no such parameter. There are "),
        ("chat-region=singapur", "chat-region: is singapur, and can be china, singapore, "),
        ("door=basic", "door: is basic, and can be url, url-iam, jwt, iam"),
        ("tracing=yes", "tracing: is yes, and can be off, on"),
        ("daily-reset=on", "daily-reset: is on, and can be DISABLED, ENABLED"),
        ("log-days=31", "log-days: is 31, and can be 1, 3, 5, "),
        ("door=jwt jwt-audience=x", "jwt-issuer: is empty, and door=jwt needs an https address"),
        ("door=jwt jwt-audience=x jwt-issuer=http://a.io", "jwt-issuer: is http://a.io, and has to be an https"),
        (JWT.replace("login.corp.io", "login.example.com"), "jwt-issuer: https://login.example.com/ is a placeholder"),
        ("jwt-issuer=https://login.corp.io/", "jwt-issuer: is for door=jwt, and door is url"),
        ("jwt-scope=read", "jwt-scope: is for door=jwt, and door is url"),
        ("network=vpc vpc-subnets=subnet-0a1b2c3d", "vpc-security-groups: is empty, and network=vpc needs ids"),
        ("vpc-subnets=subnet-0a1b2c3d", "vpc-subnets: is for network=vpc, and network is public"),
        ("queue=existing", "queue-name: is empty, and queue=existing needs the name"),
        ("senders=arn:aws:iam::123456789012:role/a queue=existing queue-name=q", "senders: is for queue=own"),
        ("alarm-topic=arn:aws:sns:eu-west-1:123456789012:t", "alarm-email, alarm-topic: both are given"),
        ("kms-key=alias/mine", "kms-key: is alias/mine, and has to be the ARN of a key"),
        ("http-concurrency=many", "http-concurrency: is many, and has to be a number"),
        ("stream", "stream: a parameter is <name>=<text>"),
        ("secret=a secret=b", "secret: is given twice"),
        ("tags=absent.json", "tags: absent.json is not there"),
    ],
)
def test_what_osls_would_swallow_is_one_line_that_names_it(text: str, line: str) -> None:
    [found] = problems(f"{EMAIL} {text}")
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "alarm-email, alarm-topic: neither is given"),
        ("alarm-email=you@example.com", "alarm-email: you@example.com is a placeholder"),
        ("alarm-email=<your-address>", "alarm-email: <your-address> is a placeholder"),
    ],
)
def test_alarms_have_to_reach_an_operator(text: str, line: str) -> None:
    assert problems(text)[0].startswith(line)


def test_tags_are_one_object_of_texts(tmp_path: Path) -> None:
    """The file is optional, and read under the name `tags.json` where no parameter names another."""
    assert problems(EMAIL, tmp_path) == []
    for text in ("[]", '{"cost": 1}', "{"):
        (tmp_path / "tags.json").write_text(text, "utf-8")
        assert len(problems(EMAIL, tmp_path)) == 1
    (tmp_path / "tags.json").write_text('{"team": "chat"}', "utf-8")
    assert problems(EMAIL, tmp_path) == []
