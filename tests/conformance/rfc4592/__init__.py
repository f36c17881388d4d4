"""The role of wildcards."""
