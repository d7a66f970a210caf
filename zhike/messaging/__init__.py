"""What leaves the house to a person, and the one-time codes that prove a phone is theirs.

Its first room: every message is recorded in the outbox before a channel may carry it; a code is stored only as a
keyed hash, lives ten minutes, works once, and five wrong tries end it.
"""
