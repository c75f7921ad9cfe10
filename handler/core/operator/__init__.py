"""What an operator sees of the groups, and does about them: overview, inspection, verdicts, pauses."""
