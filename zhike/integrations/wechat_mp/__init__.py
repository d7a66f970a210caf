"""Template messages of a WeChat official account."""
