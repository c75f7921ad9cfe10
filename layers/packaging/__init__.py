"""Make packages for a cloud: pinned wheels, bytecode and reproducible zips."""
