"""What was sold: products, receipts (小票) with lines and tenders, returns.

Words: a *receipt* is a sale or a return; its *natural key* is merchant + till + number + business date; a *tender* is
one way a part of it was paid. Invariants: a natural key exists once; a line is never returned beyond what was bought;
a receipt without a person can be claimed once.
"""
