"""What one warm instance has at hand and learns: the API's clock, its share of the rate, its caches."""
