"""Developer tools, run from the root of the repository: `python -m tools.NAME`. Nothing in the product imports them."""
