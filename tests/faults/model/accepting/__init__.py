"""How operations become owed: steps of stores, groups without a row, and room in a row."""
