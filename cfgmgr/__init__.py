"""Keeps, validates and distributes the configuration."""
