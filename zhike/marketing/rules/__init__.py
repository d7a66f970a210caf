"""Decisions of marketing: who gets which arm, what an arm did, how many people that takes. Pure."""
