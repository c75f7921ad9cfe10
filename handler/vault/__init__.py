"""The admin's secret: where it is, what it must say, and how long it is kept."""
