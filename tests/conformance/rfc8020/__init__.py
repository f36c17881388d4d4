"""NXDOMAIN: there really is nothing underneath."""
