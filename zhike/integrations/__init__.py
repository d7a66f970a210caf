"""One folder per vendor: client, webhooks, mapping, recorded fixtures, tests, a half-page README."""
