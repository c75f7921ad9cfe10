"""The assumptions, tried out on APIs in memory."""
