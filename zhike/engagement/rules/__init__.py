"""The decisions of engagement: what an occasion gives, to whom and when."""
