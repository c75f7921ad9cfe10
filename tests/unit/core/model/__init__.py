"""Values: operations, outcomes, rows and records."""
