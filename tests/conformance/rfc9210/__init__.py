"""DNS over TCP: operational requirements."""
