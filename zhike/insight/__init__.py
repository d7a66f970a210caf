"""Insight: what is known about customers beyond what they told us, computed from their history.

A *segment* (人群) is a definition: conditions under all, any or none, compiled to one statement. Whoever reads it sees only
members in their own scope, and whoever means to use it names the purpose: members who did not agree to that are not in the
answer. A *snapshot* is who belonged at one moment, frozen. Everything here can be thrown away and computed again.
"""
