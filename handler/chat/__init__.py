"""Tencent Chat's REST API for group counters: signing, sending once, and reading what a reply proves."""
