"""How long a zone has left until it expires."""
