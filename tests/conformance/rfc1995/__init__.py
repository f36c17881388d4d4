"""Incremental zone transfer."""
