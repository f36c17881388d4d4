"""Case insensitivity clarification."""
