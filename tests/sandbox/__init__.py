"""The local cloud: a faithful Tencent Chat counter API with faults on request, for tests and for trying things out.

It shares no code with the function: where the two disagree about a signature, a limit or a value, one is wrong.
"""
