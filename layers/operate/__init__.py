"""Send an operator event: to the function of this checkout, or to a deployed one on AWS or on Tencent SCF.

    python -m layers.operate --local status
    python -m layers.operate --stage prod --region eu-west-1 inspect --group live-room
    python -m layers.operate --function scf:update-group-counter release --group live-room --verdict <id>=landed

`--local` takes the settings from the environment of this process. The first line, on standard error, says where the
event goes. The answer stands on standard output, as JSON; those of `status` and `verify` as a text, unless `--json` is
given. The exit code is 0 if there was an answer, 1 if there was none or if `verify` has found a violation, and 2 for
arguments that are wrong or would be ignored. What changes or deletes something names what it acts on first, and needs
`--yes` or a typed `yes`.
"""
