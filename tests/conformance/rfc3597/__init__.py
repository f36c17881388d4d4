"""Handling of unknown RR types."""
