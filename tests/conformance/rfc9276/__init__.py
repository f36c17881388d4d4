"""Guidance for NSEC3 parameters."""
