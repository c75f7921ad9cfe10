"""Send an operator event: to the function of this checkout, or to a deployed one on AWS or on Tencent SCF.

    python -m layers.operate --local status
    python -m layers.operate --function update-group-counter-prod-timer --region eu-west-1 inspect --group live-room
    python -m layers.operate --function scf:update-group-counter release --group live-room --verdict <id>=landed

`--local` takes the settings from the environment of this process. The answer stands on standard output, as JSON; that
of `status` as a table, unless `--json` is given. Everything else is written to standard error. The exit code is 0 if
there was an answer. What changes or deletes something names what it acts on first, and needs `--yes` or a typed `yes`.
"""
