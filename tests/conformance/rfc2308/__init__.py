"""Negative caching of DNS queries."""
