"""Protect the ledger's table against deletion, once a deployment has succeeded.

    python -m layers.protect --table update-group-counter-prod --region ap-southeast-1

The template has no deletion protection: a first deployment that fails half-way could not remove a protected table, and
the next one would find the name taken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol


class Tables(Protocol):
    """The part of boto3's DynamoDB client that this command uses."""

    def update_table(self, *, TableName: str, DeletionProtectionEnabled: bool) -> object:  # noqa: N803  # boto3's names
        """Change the table's settings. Switching on what is on already does no harm."""
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
    """boto3's client, which takes credentials and endpoint from the environment."""
    import boto3  # noqa: PLC0415  # only a deployment to AWS needs it

    made: Tables = boto3.client("dynamodb", region_name=region)
    return made
