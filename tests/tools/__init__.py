"""What make runs beside the tests, in an environment of its own: see requirements.in."""
