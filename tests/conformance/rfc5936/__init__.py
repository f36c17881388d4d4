"""Zone transfer (AXFR)."""
