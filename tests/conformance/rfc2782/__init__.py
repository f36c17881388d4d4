"""SRV records."""
