"""The developer tools."""
