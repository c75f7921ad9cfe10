"""The assumptions of the protocol, tried out on the live API."""
