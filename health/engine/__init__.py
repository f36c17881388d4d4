"""The health check engine: test cases, how they reach the network, and what they find. A library; no daemon in it."""
