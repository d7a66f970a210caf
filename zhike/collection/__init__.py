"""What web sites, apps and other systems tell of behaviour, in Segment's words: taken in, cleaned, and given to its person.

Words: a *source* is a site, app or server that sends with a write key; a *message* is one call (identify, track, page,
screen, group, alias); a *visitor* is a browser, device or unknown account before we know whose it is; to *stitch* is to
give a visitor's behaviour to a person. Invariants: a message takes effect once (source, message id); personal data in
properties never reaches the event log; behaviour is tied to a person or visitor only on a lawful basis, and each event
names it; a device that two people signed in on belongs to neither.
"""
