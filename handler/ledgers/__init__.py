"""Where rows and records are kept: every module here is one kind of store behind the port `core.ports.Ledger`."""
