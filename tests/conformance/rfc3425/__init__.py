"""Obsoleting IQUERY."""
