"""Mutants: each rule of the real code switched off alone, to be found by the simulator."""
