"""Clarifications of response code and status bits in chains of aliases."""
