"""Zone images: flat files that zones are answered from, built once and mapped read-only by every process."""
