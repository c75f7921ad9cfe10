"""Storms: real processes over real ledgers, with faults, redeliveries and kills."""
