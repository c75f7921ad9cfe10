"""The OpenAPI document of the HTTP contract, generated from what the function itself goes by."""

from __future__ import annotations

from typing import Final

from layers.packaging.targets import ROOT

PLACE: Final = ROOT / "handler" / "triggers" / "http" / "openapi.json"
"""The document lies where the function reads it."""
