"""Indicating resolver support of DNSSEC."""
