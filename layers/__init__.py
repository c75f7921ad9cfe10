"""Build, deploy and operate the function."""
