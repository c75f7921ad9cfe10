"""The pages of `make serve` and `make console` in a real browser, where there is one."""
