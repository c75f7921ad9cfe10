"""What a deployment to AWS would do, in ten lines, from what is asked for and what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from layers.aws.account import SERVICE_NAME, Account, Stack, Table

OPTIONS = (
    *("daily-reset", "tracing", "log-days", "kms-key", "permissions-boundary", "role-prefix", "http-concurrency"),
    *("sweep-concurrency", "senders", "tags"),
)


class Plan(msgspec.Struct, frozen=True):
    """One deployment: its parameters, and what of it is there."""

    account: str
    region: str
    stage: str
    values: Mapping[str, str]
    stack: Stack | None
    table: Table | None

    @property
    def stack_name(self) -> str:
        """The name that osls gives it."""
        return f"{SERVICE_NAME}-{self.stage}"

    @property
    def table_name(self) -> str:
        """The ledger's table: the one given, else one with the stack's name."""
        return self.values["table"] or self.stack_name

    @property
    def takes_table(self) -> bool:
        """Whether the table is there and stays outside the stack, such as one that a removed stack has left."""
        return self.table is not None and (bool(self.values["table"]) or not (self.stack and self.stack.has_table))

    def problems(self) -> Iterator[str]:
        """A line for each thing in the account that the deployment would fail at."""
        if self.stack is not None and (problem := self.stack.problem):
            yield f"The stack {self.stack_name}: {problem}"
        if self.values["table"] and self.table is None:
            yield f"table: there is no table {self.table_name} in {self.region}"
        if self.takes_table and self.table is not None and self.table.lacks:
            lacks = ", ".join(self.table.lacks)
            yield f"The table {self.table_name} lacks {lacks}: handler/ledgers/README.md says how it is made"

    def lines(self) -> Iterator[str]:
        """Where it goes, what it makes, and what it takes as it is."""
        values = self.values
        where = {"account": self.account, "region": self.region, "stage": self.stage}
        secret = values["secret"].replace("${sls:stage}", self.stage)
        streamed = values["stream-name"] or values["stream"]
        stack = "new" if self.stack is None else f"there ({self.stack.status}), and changed"
        yield from (f"{name:<12}{value}" for name, value in where.items())
        yield f"{'stack':<12}{self.stack_name}, {stack}"
        yield f"{'Chat app':<12}in {values['chat-region']}, secret {secret}"
        yield f"{'door':<12}{values['door']}{'' if values['network'] == 'public' else ', functions in a VPC'}"
        yield f"{'table':<12}{self.table_name}, {self._table()}"
        yield f"{'sources':<12}queue {values['queue-name'] or 'new'}, stream {streamed}"
        yield f"{'alarms':<12}to {values['alarm-topic'] or values['alarm-email']}"
        options = [f"{name}={values[name]}" for name in OPTIONS if values[name] not in {"", "0", "off", "DISABLED"}]
        yield f"{'also':<12}{', '.join(options)}"

    def _table(self) -> str:
        if self.takes_table:
            left = ""
            if self.stack is not None and self.stack.has_table:
                left = ". The stack's own table is left behind, and what waits in it is not sent"
            return f"there, and taken as it is{left}"
        return "new" if self.table is None else "there, of this stack"


def plan_of(account: Account, region: str, stage: str, values: Mapping[str, str], ledger: Mapping[str, str]) -> Plan:
    """Ask the account what is there; AccountError if it does not say."""
    name = f"{SERVICE_NAME}-{stage}"
    return Plan(
        account=account.id(),
        region=region,
        stage=stage,
        values=values,
        stack=account.stack(name),
        table=account.table(values["table"] or name, ledger),
    )
