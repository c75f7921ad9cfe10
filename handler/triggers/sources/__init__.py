"""Event sources: batches of records, accepted group by group."""
