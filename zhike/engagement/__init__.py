"""互动: what members earn besides buying: daily check-in, birthdays, invitations, a welcome, stamp cards.

Words: a *plan* says what an occasion gives (points, a coupon), who pays and how long the points live; a *reward* is what
one occasion gave. Points are posted by loyalty, coupons issued by offers; this context only says when and how much.
What always holds: one check-in of a member at a mall and day, one birthday gift of a member and year, one invitation that
counts per new member, one welcome of a human being, one reward of a member and mission, however often and from wherever
they are asked for; every point carries the occasion as its reference, and goes back when the purchase behind it does.
"""
