"""The auditor: the truth, from the log of the vendor alone, compared with what callers were answered."""
