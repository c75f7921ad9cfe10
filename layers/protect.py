"""Protect the ledger's table against deletion, once a deployment has succeeded.

    python -m layers.protect --table update-group-counter-prod --region ap-southeast-1

The template leaves the protection out, because a table that has it outlives a first deployment that fails half-way, and
then stands in the way of the next one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol


class Tables(Protocol):
    """The one call of boto3's DynamoDB client that is needed here."""

    def update_table(self, *, TableName: str, DeletionProtectionEnabled: bool) -> object:  # noqa: N803  # boto3's names
        """Change the table's settings; setting what is set already does no harm."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Protect one table."""
    parser = argparse.ArgumentParser(prog="python -m layers.protect", description="Protect the ledger's table.")
    parser.add_argument("--table", required=True)
    parser.add_argument("--region", required=True)
    options = parser.parse_args(arguments)
    protect(options.table, client(options.region))
    sys.stdout.write(f"The table {options.table} is protected against deletion\n")
    return 0


def protect(table: str, tables: Tables) -> None:
    """Switch the protection on."""
    tables.update_table(TableName=table, DeletionProtectionEnabled=True)


def client(region: str) -> Tables:
    """boto3's client, with credentials and endpoint from the environment."""
    import boto3  # noqa: PLC0415  # only a deployment to AWS needs it

    made: Tables = boto3.client("dynamodb", region_name=region)
    return made
