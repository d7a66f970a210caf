"""权益与兑换: what members get for their points and for their tier.

Words: a *reward* is something the points mall sells for points, or for points and cash; a *category* is a shelf of it, with
a season when it is a seasonal pool; an *exchange order* is a member's: its points are spent the moment it is made.
Life of an order: reserved → ready → collected; or cancelled, or expired. What is had at once (codes, coupons, donations) is
collected at once. Cancelling gives the points back to the lots they came from, and the stock to the reward.
What always holds: ``taken`` of a reward is what its orders that were not cancelled or expired hold and never passes
``stock``; what a member takes in one period never passes ``per_member``; a code of the pool belongs to one order at most;
an order's points are one redemption of the ledger, given back at most once.
A *gift right* is a gift for what a member spent: reserved → handed_out; owed when goods come back, until it is returned, charged
with points or waived. The fen of a receipt behind rights of one purse never exceed what counts of it.
Locks are taken in the order: order, account, holding, code, reward; for gifts: account, right, gift.
"""
