"""How a message is read, what of it may be kept, and whose it is. Pure."""
