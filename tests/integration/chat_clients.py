"""The client under test, with a secret that needs no store."""

import random

from handler.chat.client import READ_LIFE_S, ChatClient
from handler.core.errors import SecretUnavailable
from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call
from handler.core.ports.vault import Caller, Secret

APP = 1400000000
KEY = "the-key-that-nobody-may-see"
TOKEN = "the-token-that-nobody-may-see"
SECRET = Secret(APP, "administrator", KEY, (Caller("mobile", b"digest", TOKEN), Caller("web", b"digest")))
GROUP = Group(APP, "G")


class MemoryVault:
    """A vault whose secret a test sets; `refresh` brings the `next` one."""

    def __init__(self, secret: Secret | None = SECRET) -> None:
        self.secret = secret
        self.next = secret

    def current(self) -> Secret:
        if self.secret is None:
            raise SecretUnavailable("out of order")
        return self.secret

    def refresh(self, min_age_s: float = 0.0) -> Secret:
        self.secret = self.next
        return self.current()

    def age_s(self) -> float:
        return 0.0


def client_of(
    base_url: str,
    vault: MemoryVault | None = None,
    *,
    timeout_s: float = 2.0,
    connections: int = 4,
    read_life_s: int = READ_LIFE_S,
) -> ChatClient:
    """A client whose `random` is secure, as in production."""
    return ChatClient(
        base_url,
        vault or MemoryVault(),
        random.SystemRandom(),
        timeout_s=timeout_s,
        connections=connections,
        read_life_s=read_life_s,
    )


def increase(time: float, life: int = 6, group: Group = GROUP, **values: int) -> Call:
    """An update that raises `like` by 1, or what `values` says, and the receipt by 7, signed at `time`."""
    return Call(
        group=group,
        mode=Mode.INCREASE,
        values={**(values or {"like": 1}), "_receipt": 7},
        signed_at=int(time),
        life_s=life,
    )
