"""The release of this code, as CHANGELOG.md and pyproject.toml have it."""

VERSION = "0.9.0"
