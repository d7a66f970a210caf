"""The command line as a door: each command parses, calls one operation or query, and prints what came of it."""
