"""Each cloud's secrets manager on this machine, with the function's secret in it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from tests.e2e.clouds import Platform
from tests.sandbox.environment import made_up_secret
from tests.sandbox.ministack import MiniStack
from tests.sandbox.secrets_manager import SecretsManager
from tests.sandbox.ssm import SsmServer
from tests.sandbox.tc3 import Credentials

REGION: Final = "ap-guangzhou"
ROLE: Final = Credentials("AKIDmadeup", "made-up-secret-key", "made-up-session-token")


class LocalVault(ABC):
    """A secrets manager; `variables` lead a function to the secret in it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables

    @abstractmethod
    def put(self, **changes: object) -> None:
        """Replace the secret by the made-up one with some fields changed."""


class LocalSecretsManager(LocalVault):
    def __init__(self, stack: MiniStack, operator: SecretsManager) -> None:
        self._operator = operator
        arn = operator.create("prod/chat", _content({}))
        super().__init__({"CHAT_SECRET": f"aws:{arn}", "AWS_ENDPOINT_URL_SECRETS_MANAGER": stack.endpoint})

    def put(self, **changes: object) -> None:
        """Add a version, and put it in use."""
        self._operator.put("prod/chat", _content(changes))


class LocalSsm(LocalVault):
    def __init__(self, server: SsmServer) -> None:
        self._server = server
        self._numbers = count(1)
        self.put()
        super().__init__(
            {
                "CHAT_SECRET": "tencent:chat-admin",
                "TENCENT_SSM_ENDPOINT": f"http://{server.address}",
                "TENCENTCLOUD_REGION": REGION,
                "TENCENTCLOUD_SECRETID": ROLE.secret_id,
                "TENCENTCLOUD_SECRETKEY": ROLE.secret_key,
                "TENCENTCLOUD_SESSIONTOKEN": str(ROLE.token),
            }
        )

    def put(self, **changes: object) -> None:
        self._server.put("chat-admin", f"v{next(self._numbers)}", _content(changes))


@contextmanager
def vault_of(platform: Platform, folder: Path) -> Iterator[LocalVault]:
    """The secrets manager of a cloud; what it writes lies in `folder`."""
    if platform == "scf":
        with SsmServer(ROLE, REGION) as server:
            yield LocalSsm(server)
    else:
        folder.mkdir()
        with MiniStack(folder, "secretsmanager") as stack, SecretsManager(stack.endpoint) as operator:
            yield LocalSecretsManager(stack, operator)


def _content(changes: Mapping[str, object]) -> str:
    return json.dumps({**made_up_secret(), **changes})
