"""What people may ask of whoever keeps their data, and that it is done in time: access, correction, restriction, erasure.

The *catalogue* is the sum of what every context declares about its tables (`personal.py`); an export and an erasure
follow it and nothing else. A *request* has a state, a day by which it must be closed, and a trail of who did what. An
erasure is a row of *steps*, one transaction each, so that one that was killed goes on where it was; when the last one
is done a signed *certificate* says what went, what stayed and why. *Retention* lets data of a class go when it is older
than the policy in force says.
"""
