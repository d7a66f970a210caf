"""What happens, told to other systems: signed webhooks that carry CloudEvents.

Words: an *endpoint* is an address that listens, with a filter of event types; a *dead letter* is an event an endpoint did not take
in all its tries. Invariants: every event that was committed after an endpoint was made reaches it or becomes a dead letter, in the
order of the log, at least once and under the same id; no request goes to a private address that the house did not open.
"""
