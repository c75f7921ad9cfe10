"""Deploy to AWS with osls: what may be set, what is there already, and what a deployment would change."""
