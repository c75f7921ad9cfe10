"""Small clients of the function, to be copied: each repeats one key until the answer is final."""
