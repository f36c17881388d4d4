"""Extension mechanisms for DNS, EDNS(0)."""
