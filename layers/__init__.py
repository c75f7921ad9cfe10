"""What is deployed beside the function, and the operator's way to it."""
