"""Serial number arithmetic."""
