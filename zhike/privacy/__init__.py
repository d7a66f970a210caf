"""What a person agreed to and its proof.

A *consent record* is one decision (granted, refused, withdrawn) on one purpose and channel under one policy version,
with method, time and evidence. Records are never changed; the newest one per purpose and channel is in force.
"""
