"""The parts of the DynamoDB ledger."""
