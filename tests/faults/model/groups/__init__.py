"""One group whose rows are moved by the function itself, in a world of faults."""
