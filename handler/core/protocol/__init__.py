"""The protocol in the order of its steps: accept, open, send, conclude, settle, sweep."""
