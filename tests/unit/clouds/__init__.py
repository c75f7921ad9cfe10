"""What the adapters of a cloud's SDK share."""
