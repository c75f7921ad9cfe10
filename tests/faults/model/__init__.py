"""An explicit-state model of the protocol as it is implemented, complete for small worlds."""
