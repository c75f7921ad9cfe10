"""The rules of exactness: standard library, msgspec and pydantic only, no input or output, no clock of its own."""
