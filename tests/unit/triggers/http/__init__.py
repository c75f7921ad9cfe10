"""HTTP, from the event of any platform to its reply."""
