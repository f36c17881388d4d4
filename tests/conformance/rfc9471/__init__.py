"""Glue requirements in referrals."""
