"""The person: identifiers and the one id they resolve to (OneID), the profile and its history, search.

Words: an *identifier* is anything that names a person to a machine (phone, card, e-mail, openid, unionid, plate).
Invariants: an active identifier of a kind belongs to one person; its value is stored encrypted and found by blind
index; the name is kept readable, because a Chinese name is searched by any part of it, its pinyin and its initials.
"""
