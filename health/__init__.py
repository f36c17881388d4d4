"""Domain health checks: the engine that runs test cases on a domain (agent, interface and records come later)."""
