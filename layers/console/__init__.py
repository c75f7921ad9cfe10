"""The operator's page, on this machine: `python -m layers.console --local`, or `--function` as `layers.operate` has it.

It sends the operator events of the commands, and decides nothing. Nothing of it is deployed.
"""
