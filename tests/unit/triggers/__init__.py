"""How events become operations, and outcomes replies."""
