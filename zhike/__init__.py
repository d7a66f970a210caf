"""Zhike (知客): the customer system of shopping malls and retail groups."""
