"""The operations of the tills and of membership: sales, points, coupons, rewards."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.api.texts.text import Text

OPERATIONS: dict[str, Text] = {
    "take_receipt": Text(
        _("Record a sale"),
        _(
            "The sale and its points are written in one transaction; the answer says how many and why. A receipt is known by"
            " merchant, till, number and business date: the same again changes nothing and is answered as duplicate with"
            " status 200, a different one under the same number is refused. Without a member it can be claimed later."
        ),
    ),
    "take_receipts": Text(
        _("Record up to 100 sales"),
        _(
            "For tills that were offline. Each receipt is judged by itself and has a status and an answer of its own, in the"
            " order given: a bad one never stops a good one."
        ),
    ),
    "get_receipt": Text(_("One receipt"), _("Lines, tenders, what came back, its points and why.")),
    "return_lines": Text(
        _("Take goods back"),
        _(
            "Lines of a sale, in part or whole, any number of times until all is back. The refund is the line's share of what"
            " was paid unless given. Points go back as the programme says; what they cost the customer is deduct_cash_fen."
        ),
    ),
    "redeem": Text(
        _("Spend points"),
        _(
            "Earliest expiry first, at the programme's rate. Never more than there are, however many tills try at once."
        ),
    ),
    "quote_coupons": Text(
        _("What coupons would take off"),
        _("For each coupon the fen off by line, or why it cannot be used. Nothing is changed."),
    ),
    "quote_price": Text(
        _("The best price of a basket"),
        _(
            "Under the promotions in force here and now: which of them together take the most off, what each takes off which"
            " line, and what a little more would bring. Nothing is changed."
        ),
    ),
    "lock_coupons": Text(
        _("Hold coupons for a basket"),
        _(
            "All of them or none. A held coupon can be used nowhere else until it is confirmed, released, or the time is"
            " over. The order of the codes is the order in which they are taken off."
        ),
    ),
    "confirm_coupons": Text(
        _("Use the held coupons"),
        _("After the basket is paid. The same again changes nothing and is answered alike."),
    ),
    "release_coupons": Text(
        _("Let go of held coupons"),
        _("The basket was not bought. The same again changes nothing and is answered alike."),
    ),
    "claim_coupon": Text(
        _("Claim a coupon"),
        _("For a member, from a public batch. Never more than there are, nor more than a member may have."),
    ),
    "push_coupons": Text(
        _("Hand coupons to members"),
        _("One for each, public or not. None at all when there are not enough left."),
    ),
    "check_in": Text(
        _("Check a member in"),
        _("Once a day of the mall's calendar; with a day it makes up for one that was missed."),
    ),
    "check_ins": Text(
        _("A member's check-ins"),
        _("The row of days that is alive, and the days of one month; month is any day of it."),
    ),
    "household": Text(_("A member's household"), _("Who shares, and what the pool holds.")),
    "found_household": Text(_("Begin a household"), _("The member owns it: invites, sets limits, ends it.")),
    "invite_into_household": Text(
        _("Invite into a household"), _("By membership number; children spend within limits only.")
    ),
    "answer_household": Text(_("Answer an invitation"), _("Within seven days. One household at a time.")),
    "put_into_pool": Text(_("Share points"), _("They keep their last day and their payer.")),
    "leave_household": Text(
        _("Leave a household"), _("What the member put in and nobody spent comes back, lot by lot.")
    ),
    "spend_from_pool": Text(
        _("Spend a household's points"),
        _("At the programme's rate, within the member's limits. Given back like every redemption."),
    ),
    "list_missions": Text(
        _("A member's missions"), _("What there is to do, how far they are, what it gives.")
    ),
    "accept_mission": Text(
        _("Accept a mission"), _("What the member does from then on counts. Twice is once.")
    ),
    "record_deed": Text(
        _("Tell what a member did"),
        _("A review, a survey, a share, an activity, a full profile: missions count it. Once a reference."),
    ),
    "withdraw_deed": Text(_("Withdraw a deed"), _("It counts no more; a reward it brought goes back.")),
    "list_benefits": Text(_("A member's benefits"), _("What the tier gives, and what is left of it.")),
    "use_benefit": Text(
        _("Use a benefit"), _("Recorded at a mall; never more than the tier's quota of the period.")
    ),
    "cancel_benefit_use": Text(_("Cancel a use of a benefit"), _("The quota is given back.")),
    "list_rewards": Text(
        _("What a member can exchange points for"), _("With their own prices, and why one cannot be had.")
    ),
    "exchange_reward": Text(
        _("Exchange points for a reward"),
        _(
            "The points, the stock and the member's limit move together or not at all. Goods are collected with the pick-up"
            " code; coupons, codes and donations are had at once."
        ),
    ),
    "hand_in_photo": Text(
        _("Hand in a photographed receipt"),
        _(
            "Given at once when the till sent the same receipt with the same amount and nothing grave speaks against it; else"
            " staff look at it. The picture is drawn anew: what was hidden in the file is not kept. Each paper counts once."
        ),
    ),
    "list_photo_claims": Text(_("A member's photographed receipts"), _("The newest first.")),
    "list_photo_queue": Text(
        _("Photographed receipts to be looked at"), _("With what speaks against each; the oldest first.")
    ),
    "get_photo": Text(_("The photo of a receipt"), _("A JPEG without anything that was hidden in the file.")),
    "approve_photo": Text(
        _("Give a photographed receipt"),
        _(
            "As it was claimed, or corrected. Above the programme's limit the first yes only passes it on to somebody else"
            " with photo_claims.approve."
        ),
    ),
    "refuse_photo": Text(_("Refuse a photographed receipt"), _("The member reads the reason and the note.")),
    "scan_receipt": Text(
        _("A member scanned a receipt"),
        _(
            "The code that the till printed is proof: the sale becomes the member's at once, whoever scans it first, within the"
            " programme's days. Again, by another, too late or forged: refused with a code of its own."
        ),
    ),
    "list_gift_campaigns": Text(
        _("Campaigns that give gifts for purchases"), _("With their steps, and what is left of each gift.")
    ),
    "list_gifts": Text(
        _("A member's gifts for purchases"),
        _("How far they are in every campaign, receipt by receipt, and the gifts they have."),
    ),
    "reserve_gift": Text(
        _("Reserve or hand out a gift"),
        _(
            "For receipts that add up to its step. Every fen counts once; with hand_out the desk gives it at once."
        ),
    ),
    "hand_out_gift": Text(
        _("Hand out a reserved gift"),
        _(
            "The member showed its code. Sent again, nothing happens. It is revoked when goods came back meanwhile."
        ),
    ),
    "take_back_gift": Text(
        _("A gift comes back"),
        _("Points that were taken for it are given back. Sent again, nothing happens."),
    ),
    "list_gifts_of_receipt": Text(
        _("The gifts behind which a receipt stands"), _("And how much of it stands behind each.")
    ),
    "list_auctions": Text(
        _("Auctions for a member"), _("Those that are on, come up, or ended within thirty days.")
    ),
    "get_auction": Text(
        _("An auction in front of a member"),
        _("The ranking, their newest bid, the fewest points of the next one, and why they cannot bid."),
    ),
    "list_bids": Text(_("A member's bids"), _("Newest first, each with the receipt that proves it.")),
    "place_bid": Text(
        _("Bid in an auction"),
        _(
            "The points are held until the bid is outbid or the auction ends. A member's own bid is raised; whoever has to"
            " make room has their points back at once."
        ),
    ),
    "get_auction_record": Text(
        _("The record of an auction"),
        _("Commitments in their order, and after the end all bids: anybody can check the result with it."),
    ),
    "list_draws": Text(_("Lucky draws for a member"), _("With their prizes, odds and what is left.")),
    "get_draw": Text(_("A lucky draw in front of a member"), _("And how often they may still draw today.")),
    "draw_ticket": Text(
        _("Draw"), _("The points are spent and something is won. The same key gets the same ticket.")
    ),
    "list_draw_tickets": Text(_("What a member drew"), _("Newest first, goods with their pick-up code.")),
    "get_draw_record": Text(
        _("The record of a lucky draw"),
        _("With the seed once it is over: anybody can compute every draw again with it."),
    ),
    "hand_over_prize": Text(
        _("Hand a prize over"), _("The member showed the pick-up code. Sent again, nothing happens.")
    ),
    "member_tier": Text(
        _("A member's tier"),
        _("Until when it is held, what keeps it, what is lent above it, and every decision with its reason."),
    ),
    "grant_tier": Text(
        _("Lend a tier"),
        _(
            "Until a day, above what was earned; what is earned meanwhile remains at the end. As an exception it waits until"
            " somebody else approves it. The same reference again changes nothing."
        ),
    ),
    "revoke_tier_grant": Text(
        _("Take a lent tier back"),
        _("What was earned meanwhile counts from now on. The same again changes nothing."),
    ),
    "member_growth": Text(
        _("A member's growth value"),
        _(
            "How much counts toward tiers, how it is earned, and every entry with its reason, the newest first."
        ),
    ),
    "list_tier_policies": Text(
        _("Terms of the tiers"), _("Today's, and every version, the newest first, with what it changed.")
    ),
    "member_tier_policies": Text(
        _("Terms of the tiers as a member reads them"),
        _("Today's, those to come and those of the past, and when this member was told."),
    ),
    "publish_tier_policy": Text(
        _("Publish terms of the tiers"),
        _("One that makes anything worse begins after every member was told, and the notice period."),
    ),
    "withdraw_redemption_rates": Text(
        _("Withdraw redemption rates"),
        _("Only before they are in force. What was announced stays on record."),
    ),
    "withdraw_tier_policy": Text(
        _("Withdraw terms of the tiers"),
        _("Only before they begin, the latest version first. The same again changes nothing."),
    ),
    "list_tier_exceptions": Text(
        _("Exceptions of tiers"), _("Those that wait first, the oldest first; then the newest decided.")
    ),
    "decide_tier_exception": Text(
        _("Decide an exception"), _("Somebody else than who asked; a refusal says why.")
    ),
    "list_exchanges": Text(_("A member's exchanges"), _("Newest first.")),
    "hand_over_exchange": Text(
        _("Hand an exchange over"), _("The member showed the pick-up code. Sent again, nothing happens.")
    ),
    "cancel_exchange": Text(
        _("Cancel an exchange"),
        _("The points go back to the lots they came from, and the stock to the reward."),
    ),
    "accept_invitation": Text(
        _("A new member was invited"),
        _("Both sides are rewarded after the first purchase, or the answer says why not."),
    ),
    "publish_welcome_offer": Text(
        _("Publish a welcome offer"), _("What a mall promises those who join from a moment on.")
    ),
    "welcome_offer": Text(_("A mall's welcome offer"), _("All its versions, and what came of the promises.")),
    "list_stamp_cards": Text(
        _("A member's stamp cards"), _("The stamps on each, what a full one gives, and when it runs out.")
    ),
    "member_welcome": Text(
        _("A member's welcome gift"),
        _("What was promised on joining, and where it stands; once for each person."),
    ),
    "list_invitations": Text(_("A member's invitations"), _("The code, and how each invitation is going.")),
    "quote_redemption": Text(
        _("Quote a redemption"),
        _(
            "What points are worth at this till, promised for one checkout. Name the quote in the redemption or the hold: it is"
            " used once, in time, for the same member, points and merchant."
        ),
    ),
    "list_redemption_rates": Text(_("Redemption rates"), _("Every version, the newest first.")),
    "preview_redemption_rates": Text(
        _("Preview redemption rates"),
        _(
            "What a version would cost: points outstanding before and after, and the redemptions of the last 30 and 90 days"
            " at its rates. Nothing is written."
        ),
    ),
    "publish_redemption_rates": Text(
        _("Publish redemption rates"),
        _(
            "One that makes points worth less begins after everybody who holds points was told, and the notice period."
        ),
    ),
    "list_risk_alerts": Text(_("Alerts of oversight"), _("Those that wait, the most serious first.")),
    "risk_alert": Text(_("One alert"), _("With its evidence and measures.")),
    "decide_risk_alert": Text(
        _("Decide an alert"), _("Confirm it or dismiss it; nobody is dismissed while a measure stands.")
    ),
    "take_risk_measure": Text(
        _("Take a measure"), _("Freeze, withdraw or make void; above the limit it waits for a second person.")
    ),
    "undo_risk_measure": Text(
        _("Undo a measure"), _("The freeze is lifted, points are given back, coupons count again.")
    ),
    "adjust_points": Text(
        _("Correct points"),
        _(
            "Within the limits of whoever asks it is posted at once, above them it waits for somebody else's decision."
        ),
    ),
    "list_adjustments": Text(_("Corrections that wait"), _("The soonest due first.")),
    "decide_adjustment": Text(
        _("Decide a correction"),
        _("Not by who asked, within seven days; above the day's limit with adjustments.approve_any."),
    ),
    "reinstate_points": Text(
        _("Give expired points back"),
        _(
            "From the account of expired points into lots of the same payer and promise; the limits of corrections hold."
        ),
    ),
    "ask_waiver": Text(_("Ask for a waiver of debt"), _("Nothing moves before somebody else approves.")),
    "decide_waiver": Text(
        _("Decide a waiver"), _("Up to the programme's limit, or with waivers.approve_any above it.")
    ),
    "birthday_gift": Text(
        _("A member's birthday gift"), _("The next birthday and what it gives, and what the last one gave.")
    ),
    "list_coupon_batches": Text(_("Batches of coupons"), _("Newest first.")),
    "list_coupon_keys": Text(
        _("Keys for checking coupons offline"),
        _(
            "Public keys for tills that check signed coupons without network. A new one appears when the installation's keys"
            " are changed; keep the older ones until the coupons of that time have ended."
        ),
    ),
    "list_member_coupons": Text(_("A member's coupons"), _("Newest first, those that ended too.")),
    "hold": Text(
        _("Set points aside"),
        _(
            "For a purchase that is still being paid: the points are out of the balance, at today's rate, until they are"
            " confirmed, released or the hold runs out. Never more than there are, however many tills try at once."
        ),
    ),
    "confirm_hold": Text(
        _("Spend points set aside"),
        _(
            "All, or a part; the rest goes back at once. The redemption has the hold's id and can be reversed like any"
            " other. The same again gets the same answer."
        ),
    ),
    "release_hold": Text(
        _("Give points set aside back"),
        _("To the very lots they came from. The same again changes nothing; a confirmed hold is refused."),
    ),
    "reverse_redemption": Text(
        _("Give spent points back"), _("All, or a part, to the very lots they came from.")
    ),
    "reverse_member_redemption": Text(
        _("Give spent points back, below the member"),
        _("The same under the member's address; another member's is not found."),
    ),
    "enroll_member": Text(
        _("Enrol a member"),
        _(
            "At least one of phone, card and e-mail. Who is a member already comes back as existing with status 200 and is"
            " left as they are."
        ),
    ),
    "look_up_member": Text(
        _("Look a member up"),
        _(
            "By exactly one of phone, card and code. A code is what the rotating QR of the member's card says; it is good once."
        ),
    ),
    "get_member": Text(
        _("One member"),
        _("Tier and progress, balance and lots, and the recent receipts that the key may see."),
    ),
    "list_timeline": Text(
        _("A member's timeline"),
        _(
            "Behaviour online, receipts, points, coupons, messages and what staff did, newest first, with the marks of the journey:"
            " first touch, first purchase, repurchase. What a device did before its owner signed in there is included."
        ),
    ),
    "list_points_entries": Text(
        _("Movements of points"), _("Newest first, each with its sentence and the balance after it.")
    ),
    "get_policy": Text(_("The privacy policy in force"), _("To be shown before consents are asked for.")),
    "merge_members": Text(
        _("Merge two members"),
        _(
            "One goes on for both: points move as transfers, everything else counts as one and keeps its own id. Where caution"
            " is due (different birthdays, a minor …) it is proposed, with status 200, and a colleague decides in the console."
        ),
    ),
    "list_merges": Text(_("Merges within the key's scope"), _("Newest first.")),
    "get_merge": Text(_("One merge")),
    "list_merge_suggestions": Text(
        _("Pairs that may be one person"),
        _("Found every night by identifiers and by likeness; the surest first."),
    ),
    "judge_merge_suggestion": Text(
        _("Judge a pair"),
        _(
            "Accepted pairs are merged, or proposed where caution is due; rejected ones are never suggested again."
        ),
    ),
    "undo_merge": Text(
        _("Undo a merge"),
        _("Two members again, exactly, also after later purchases and redemptions."),
    ),
    "get_recommendations": Text(
        _("Recommendations for a member"),
        _(
            "Articles, merchants or coupons, best first, each with its reason; what the member did a moment ago counts. Who"
            " refused personalisation gets what is popular, and the answer says so."
        ),
    ),
    "list_merchants": Text(_("Merchants within the key's scope")),
    "get_liability": Text(
        _("Points liability"),
        _(
            "Outstanding points by payer and month of lapse, and month by month how they came to be. To the point."
        ),
    ),
    "get_journal": Text(
        _("Postings of a month"), _("By the valuation in force; debits equal credits. Month as YYYY-MM.")
    ),
    "list_digests": Text(
        _("Signed days of the ledger"),
        _("Newest first, with the public keys. Keep them outside: one kept day proves all of the past."),
    ),
    "get_digest": Text(
        _("One signed day"), _("document, its SHA-256, and the Ed25519 signature over that hash.")
    ),
}
