"""What no RFC decides and we do."""
