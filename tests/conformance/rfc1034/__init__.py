"""Domain names: concepts and facilities."""
