"""The rules of exactness, module by module."""
