"""会员与积分: programme, members, tiers, earning rules and the points ledger.

Words: an *account* holds one member's points; a *transfer* moves points between two accounts and is never changed; a
*lot* is the points of one account with one expiry and one funding; an *award* is what the rules decided for a receipt.
How a write goes: read the account's state, let the pure rules decide (``rules``), and write everything back in one
statement that succeeds only if nobody else moved the account in between (``version``); else read and decide again.
Invariants, re-derived by ``zhike ledger verify``: credits − debits of an account = ``balance − debt``; the remaining
points of its lots = ``balance``; ``balance`` and ``debt`` are never negative and never both positive; every lot follows
from the transfers' own allocations; every award follows from its explanation.
"""
