"""Building what is deployed: pinned packages, bytecode and zips for each cloud."""
