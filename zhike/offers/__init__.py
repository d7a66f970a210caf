"""优惠: coupons and promotions, everything that makes a basket cheaper or adds to it.

Words: a *template* says what a coupon is worth, where and for whom; a *batch* is so many coupons of a template, with the
terms as they were when it was made; a *coupon* is one of them, a member's own (named) or whoever's holds the code (bearer).
A till *locks* coupons for a basket and then *confirms* or *releases* the lock.
Life of a coupon: issued → locked → used → (goods come back) issued again; or expired, or void. Every step is conditional on
the step before, in one statement, so two tills never use one coupon.
What always holds: ``issued`` of a batch is the number of its coupons and never passes ``stock``; what a member holds of a
batch never passes ``per_member``; the shares of a discount by line, and by who pays, sum to the discount to the fen.
"""
