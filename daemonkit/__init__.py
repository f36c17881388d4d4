"""The skeleton every daemon shares."""
