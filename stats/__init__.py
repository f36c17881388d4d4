"""Gathers the counters of all instances from their pages and serves them."""
