"""Secrets of AWS Secrets Manager, read through Powertools' parameters: the version that is AWSCURRENT at the moment.

The function's role needs `secretsmanager:GetSecretValue` on the secret, and `kms:Decrypt` where that has a key of its
own. A name is looked up in the function's region, an ARN in the region that it names. Credentials, the region of a name
and the endpoint (AWS_ENDPOINT_URL_SECRETS_MANAGER) are found as boto3 finds them anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aws_lambda_powertools.utilities.parameters import GetParameterError, SecretsProvider
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from handler.clouds.aws import AwsSession, MakeSession, bounded, code_of
from handler.core.errors import SettingsError
from handler.redaction import text_of, unavailable

MANAGER = "AWS Secrets Manager"

# A caller waits no longer than a second for each of these, twice at most, and a second in between. The second attempt
# is for a connection that the service closed while the platform kept the instance frozen.
CONNECT_S = 1.0
READ_S = 1.0
ATTEMPTS = 2

# docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html, Name.
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}")


def aws_source(
    secret: str, environ: Mapping[str, str], variable: str, session: MakeSession = AwsSession
) -> Callable[[], str]:
    """Read a secret, by its name or ARN, at each call; `session` makes the first client.

    Raises SettingsError, in the name of `variable`, for what can be neither. The source raises SecretUnavailable with
    the code of what went wrong, or SettingsError where no region is known.
    """
    arn = _ARN.fullmatch(secret)
    if not arn and not _NAME.fullmatch(secret):
        raise SettingsError(variable, "an aws: reference is aws:<name or ARN of a secret>")
    region = arn[1] if arn else environ.get("AWS_REGION")
    return _Source(secret, region, variable, session)


class _Source:
    """Keeps its client from one fetch to the next. Calls come one after the other."""

    def __init__(self, secret: str, region: str | None, variable: str, session: MakeSession) -> None:
        self._secret = secret
        self._region = region
        self._variable = variable
        self._session = session
        self._provider: SecretsProvider | None = None

    def __call__(self) -> str:
        provider, self._provider = self._provider or self._connect(), None
        try:
            content = provider.get(self._secret, force_fetch=True)
        except GetParameterError as error:
            # Powertools' own text repeats the service's; what it was made from stands behind it.
            raise unavailable(MANAGER, _code(error.__context__)) from None
        # After a failure there is a new client next time: it finds credentials that have come, or been replaced, since.
        self._provider = provider
        return (text_of(content, MANAGER) if isinstance(content, bytes) else str(content)).strip()

    def _connect(self) -> SecretsProvider:
        config = bounded(connect_s=CONNECT_S, read_s=READ_S, attempts=ATTEMPTS, region_name=self._region)
        try:
            # A session remembers its credentials, so the next client, after a failure, gets a session of its own.
            session, self._session = self._session, AwsSession
            return SecretsProvider(boto_config=config, boto3_session=session())
        except NoRegionError:
            raise SettingsError(self._variable, "the name of an aws: secret needs a region, in AWS_REGION") from None
        except (BotoCoreError, ValueError) as error:
            raise unavailable(MANAGER, type(error).__name__) from None


def _code(error: BaseException | None) -> str:
    if isinstance(error, ClientError):
        return code_of(error)
    return type(error).__name__
