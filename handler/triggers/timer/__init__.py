"""The timer: operations on many groups, and the sweep."""
