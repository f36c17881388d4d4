"""The privileged helper that opens port-53 sockets."""
