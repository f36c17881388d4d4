"""NSEC3."""
