"""Who may call, when, and who is told of what was refused."""
