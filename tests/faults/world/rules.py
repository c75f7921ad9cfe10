"""The app and the settings of simulated worlds."""

from handler.core.runtime.instance import Rules

APP = 1400000000

RULES = Rules(
    receipt_key="_receipt",
    timeout_s=4,
    life_s=6,
    bound_s=11,
    guard_s=5,
    calls_per_second=1000,
    cache_s=60,
    forget_s=120,
)
