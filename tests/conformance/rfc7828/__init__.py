"""The edns-tcp-keepalive option."""
