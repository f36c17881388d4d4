"""Answers DNS queries."""
