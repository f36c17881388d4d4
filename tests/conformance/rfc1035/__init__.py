"""Domain names: implementation and specification."""
