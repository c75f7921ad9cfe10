"""What the API's time is, what `Date`s prove, and rows of another time."""
