"""The rules of exactness: standard library and pydantic only, no input or output, no clock of its own."""
