"""The door: REST for operators, relayed to the bus."""
