"""The simulator: the real core in small worlds, each drawn from one seed."""
