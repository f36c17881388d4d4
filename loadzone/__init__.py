"""One-shot import of zone files into a data source."""
