"""营销: campaigns (活动) and journeys (旅程), and what they really did, measured against people who got nothing.

Words: an *audience* (人群) is who is meant; an *arm* (实验组) is one content that a part of it gets; the *holdout* (对照组) is the part
that gets nothing; a *wave* (批次) is one day's filling of a campaign with its recipients; the *window* (归因窗口) is the time after a
wave in which receipts count; *lift* (提升) is what the arms did more than the holdout, with its interval.
What always holds: a person is in one arm of a campaign, found from a hash and never drawn again; whether a person is measured
was decided before the arm was known and by the same rule for all arms; nobody gets a message, coupon or points of a campaign
twice; a campaign never commits more than its budget; no lift is shown without a holdout.
A *journey* is a graph that single people walk: a *trigger* lets them enter, each *entry* stands on one *node*, each *step* off a node
is written once with what came of it, in the transaction of what it did. A version that was live is never changed again.
"""
