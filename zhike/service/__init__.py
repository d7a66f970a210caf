"""Service: tickets, their deadlines, what is given in amends, and what is learnt.

A *ticket* (工单) is one matter of one customer, from the first word to the call-back. A *clock* measures a promise on it in
the working time of a *calendar*; a *policy* says which promises hold for which type and severity. Calendars and
policies are versioned and never edited, and a clock remembers its version, so every deadline can be reckoned again.
"""
