"""权益监督: abuse of points and offers is noticed, looked into by people, and stopped by measures that can be undone.

Words: a *deed* is one fact of the log that a detector may weigh, kept narrow for half a year. A *detector* is a rule over
the deeds of one subject, a member, a cashier or an enrolling desk, with parameters in versions. A *finding* becomes an
*alert*: one open alert for each detector and subject, which grows with *evidence*. An *exemption* says that a subject is not
to be told of by a detector until a day. A *measure* is what an alert led to: a freeze, a withdrawal of gains, coupons made
void. A member can *object*.
What always holds: no detector punishes, people do; a measure above the limit needs a second person; a measure is carried
out once and undone at most once; deeds follow from the log alone, alerts and what became of them do not.
Nothing of other contexts is read but their front doors.
"""
