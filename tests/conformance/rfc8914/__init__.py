"""Extended DNS errors."""
