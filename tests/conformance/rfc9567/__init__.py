"""Error reporting."""
