"""The console: what staff see and do at their desks. Every page asks queries, every form calls one operation."""
