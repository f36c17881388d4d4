"""The bus: broker, client session, message envelope."""
