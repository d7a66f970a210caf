"""The kernel: what every context stands on, and no domain word.

It owns the event log and its cursors, the audit trail, access (who is asking and what they may see),
encryption of personal data, idempotency, money, time, identifiers, paging, rate limits and jobs.

Invariants:
- an event is never changed or removed once its transaction has committed, and every consumer meets it exactly once;
- an audit entry is never changed or removed;
- an unknown permission, an unknown level of scope and a missing key are refusals, never a default yes.
"""
