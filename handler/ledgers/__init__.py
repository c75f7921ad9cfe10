"""The stores of rows and records, a folder each, behind the port `core.ports.ledger.Ledger`."""
