"""The deployed function: an event comes in, a group counter is updated exactly once, and a reply goes out."""
