"""Who runs the mall: group → mall → floor → zone → unit, merchants (商户) and brands, staff, roles, API keys.

Words: a *merchant* is the shop, a *unit* the place it rents, a *trade category* (业态) its line of business.
A *role grant* gives a member of staff a role at one level (``all``, ``mall``, ``floor``, ``merchant``, ``own``) and
place.
Invariants: codes are unique within their parent; a viewer sees nothing that no grant of theirs covers.
"""
