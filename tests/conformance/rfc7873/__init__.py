"""Cookies in DNS messages."""
