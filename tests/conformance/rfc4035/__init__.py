"""DNSSEC protocol modifications, as far as unsigned zones show them."""
