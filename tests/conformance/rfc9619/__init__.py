"""QDCOUNT is usually one."""
