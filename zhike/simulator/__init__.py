"""A mall that lives: 星河城 with its merchants, members, habits, days and festivals, made from a seed.

What it makes is the same for the same seed, size and date. Its history is loaded through the very operations that
tills use; while it runs live it is a client of the REST API like any other. Every brand, person and number here is our
own invention.
"""
