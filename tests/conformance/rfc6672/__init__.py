"""DNAME redirection."""
