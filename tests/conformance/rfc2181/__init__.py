"""Clarifications to the DNS specification."""
