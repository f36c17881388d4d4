"""DNS over TCP."""
