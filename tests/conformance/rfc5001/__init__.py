"""Name server identifier (NSID)."""
