"""What every ledger has to pass unchanged (`test_ledger_*`), and what only one kind can show (`test_<kind>_*`)."""
