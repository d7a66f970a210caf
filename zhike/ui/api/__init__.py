"""The REST API: bearer keys in, JSON out, RFC 9457 for every refusal.

Receipts and redemptions, which tills post thousands of times a minute, are plain views over msgspec (`receipts`,
`redemptions`); the rest is django-ninja (`routes`). Both go through the same gate: `handler` catches what is refused and
names every request, `gate` says who is calling and how often, `body` reads what they sent.
"""
