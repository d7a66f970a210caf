"""`zhike simulate`."""
