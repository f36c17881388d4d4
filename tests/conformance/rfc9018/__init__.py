"""Server cookies on which all makes of servers agree."""
