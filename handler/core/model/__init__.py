"""What is stored and answered: operations, outcomes, rows and records, and their JSON text."""
