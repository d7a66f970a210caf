"""The operations around customers: who they are, how they are reached, what they say and how they are served."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.api.texts.text import Text

OPERATIONS: dict[str, Text] = {
    "list_campaigns": Text(_("Campaigns"), _("Newest first.")),
    "plan_campaign": Text(
        _("Plan a campaign"),
        _("A draft. Somebody else approves it in the console, and people launch it there."),
    ),
    "get_campaign": Text(_("One campaign"), _("As it stands now.")),
    "review_campaign": Text(
        _("What a campaign did"),
        _("Against its holdout, with 95% intervals. Without a holdout every comparison is null."),
    ),
    "list_forms": Text(_("Forms"), _("In the key’s scope, newest first.")),
    "get_form": Text(
        _("What a form asks"), _("Its newest published version; a form never published is not found.")
    ),
    "submit_form_answer": Text(
        _("Send in an answer"),
        _("To the version that was shown. A phone makes a lead, never a change of somebody’s record."),
    ),
    "list_form_answers": Text(_("Answers of a form"), _("Newest first, with what people wrote.")),
    "list_journeys": Text(
        _("Journeys"), _("Newest first, with how many entered, are inside and reached the goal.")
    ),
    "get_journey": Text(_("One journey"), _("As it stands now.")),
    "enter_journey": Text(
        _("Let a member into a journey"),
        _(
            "Once for a key, by the journey’s own rules of entering again; some are held out, to compare with."
        ),
    ),
    "campaign_attribution": Text(
        _("Attribution of purchases"),
        _(
            "Purchases shared out among the messages before them, by three rules; beside them what each holdout proves."
        ),
    ),
    "marketing_board": Text(
        _("What campaigns and journeys brought and cost"),
        _(
            "Against holdouts, with intervals; by channel, audience, standing and line of business. Null is what nobody can tell."
        ),
    ),
    "marketing_targets": Text(
        _("Were the targets of marketing reached?"),
        _("From holdouts of campaigns and journeys whose windows are over, never against a time before."),
    ),
    "list_margin_rates": Text(
        _("Margins of lines of business and merchants"), _("With the day from which each holds.")
    ),
    "set_margin_rate": Text(
        _("Set a margin"), _("From a day on; said again for the same day it takes the place of the old one.")
    ),
    "list_uplift_runs": Text(
        _("Uplift models"), _("Whom a message changes: what was learnt and whether it is better than chance.")
    ),
    "get_uplift_run": Text(_("One uplift model"), _("With its Qini curve on people it has not seen.")),
    "step_campaign": Text(
        _("Hand in, pause, resume or cancel"), _("A step that has been taken already changes nothing.")
    ),
    "open_ticket": Text(
        _("Open a ticket"),
        _("Its place is a merchant or a mall. The policy in force gives it a department and deadlines."),
    ),
    "list_tickets": Text(
        _("Tickets within the key's scope"),
        _(
            "Newest first; the queues due and late begin with the most urgent. q is a number or words of the title."
        ),
    ),
    "get_ticket": Text(
        _("One ticket"),
        _("What was said, as far as the key may read it: a merchant's key reads that merchant's part."),
    ),
    "answer_ticket": Text(
        _("Say something on a ticket"),
        _(
            "To the member, to the merchant, or among staff; an answer to the member ends the wait for the first one."
        ),
    ),
    "propose_amends": Text(
        _("Propose amends"),
        _("From the catalogue. A key has no authority of its own: they wait until a person agrees."),
    ),
    "list_amends": Text(
        _("Amends within the key's scope"),
        _("Newest first, with what they cost and who pays. A merchant's key sees what the merchant pays."),
    ),
    "judge_goods": Text(
        _("What of a sale may come back"),
        _(
            "Every line with the verdict of the terms in force, the last day, and the tier or benefit it needs."
        ),
    ),
    "ask_for_goods": Text(
        _("Ask for a return, an exchange or a repair"),
        _("It opens a ticket. While it is open the same pieces cannot be asked for again."),
    ),
    "list_goods": Text(
        _("Returns, exchanges and repairs"),
        _("Newest first, by what they wait for. A merchant's key sees its own."),
    ),
    "get_goods": Text(
        _("One return, exchange or repair"),
        _("Its goods, how far it is, and what can be done next."),
    ),
    "take_goods_step": Text(
        _("The next step of a return, exchange or repair"),
        _("settle posts the return of checked goods once: points are taken back and spent ones given back."),
    ),
    "list_conversations": Text(
        _("Conversations within the key's scope"),
        _("By the last change; the queue in its own order. Without what was said."),
    ),
    "read_conversation": Text(
        _("One conversation"),
        _("What was said after a number, as far as the key may read it, oldest first, and how it stands."),
    ),
    "write_message": Text(
        _("Say something in a conversation"),
        _(
            "To the member, in the assistant's place or beside whoever has it, or a note for colleagues."
            " What waits in the queue is for people."
        ),
    ),
    "hand_over_conversation": Text(
        _("Hand a conversation over to people"),
        _("From the assistant into the queue; again it changes nothing."),
    ),
    "close_conversation": Text(
        _("Close a conversation"), _("Closing what is closed changes nothing; a new word begins a new one.")
    ),
    "list_articles": Text(
        _("Published articles of the knowledge base"),
        _(
            "Those that fit what is asked, in words or pinyin, the best first; all of them without a question."
        ),
    ),
    "read_article": Text(_("One article"), _("With its other questions and how often it helped.")),
    "list_quality_picks": Text(
        _("Conversations reviewed for quality"),
        _(
            "Why each was looked at, with its score; the newest week first, without words of the conversation."
        ),
    ),
    "read_quality_pick": Text(
        _("One reviewed conversation"),
        _("Every version of its reviews with the answer to each item, once all that are owed are written."),
    ),
    "read_quality_report": Text(
        _("Quality report"),
        _("Mean scores by agent, subject and week, appeals, and how far two reviewers agree."),
    ),
    "list_word_alerts": Text(
        _("Alerts about watched words"),
        _("Where one was said in a chat, by whom, of which kind; newest first, without the sentence."),
    ),
    "judge_word_alert": Text(_("Judge an alert"), _("Upheld or harmless; it can be judged anew.")),
    "close_ticket": Text(_("Close a ticket"), _("A call-back becomes due where one is promised.")),
    "list_segments": Text(_("Segments within the key's scope"), _("By name, with the last count.")),
    "save_segment": Text(
        _("Make a segment"),
        _(
            "The definition is a tree: {match: all, any or none; of: […]}, whose leaves are conditions {field, op, value, window,"
            " where}. The guide “Segments” lists them."
        ),
    ),
    "count_definition": Text(_("Count a definition"), _("Within the key's scope; nothing is saved.")),
    "get_history": Text(
        _("How the columnar history stands"),
        _(
            "Tables with rows here and in the database as of the last run, and how much was written since."
            " For keys that are valid everywhere."
        ),
    ),
    "get_history_figure": Text(
        _("A figure of the columnar history"),
        _(
            "Cohorts, the funnel, visits, days or RFM groups as the newest run worked them out. For keys that are valid everywhere."
        ),
    ),
    "export_history": Text(
        _("Bring the columnar history up to date"),
        _("A worker takes in what was written or changed since and works the figures out anew."),
    ),
    "get_member_scores": Text(
        _("What is expected of a member"),
        _(
            "The chance of no purchase in the coming days with its reasons and what to do first, and the expected spend. Both are"
            " null of whom nothing can be said, and of who refused personalisation. Needs members.view as well."
        ),
    ),
    "list_clusters": Text(
        _("List clusters of members who are alike"),
        _(
            "Of the run in use, the largest first: how many members in the key's scope, averages, what sets a cluster apart. "
            "`kin` goes on from run to run while a cluster does."
        ),
    ),
    "list_model_runs": Text(
        _("Runs of the models about members"),
        _(
            "Newest first, with how good each was on days it had not seen, and how far things moved since the run before."
        ),
    ),
    "get_segment": Text(_("One segment"), _("Its definition, and the sentence it reads as.")),
    "list_segment_members": Text(
        _("Who belongs to a segment"),
        _(
            "Ids of members who belong now and agreed to the purpose on the channel; nobody else is ever in the answer, and"
            " minors are in no marketing."
        ),
    ),
    "list_tags": Text(
        _("Tags with their rules"),
        _(
            "Live ones and drafts, each with the rule in force and what it says. The guide “Tags” explains rules."
        ),
    ),
    "list_member_tags": Text(
        _("Tags of a member"),
        _("Newest first, with why and since when; `refused` are those somebody said do not fit."),
    ),
    "mark_member_tag": Text(
        _("Give or refuse a tag by hand"),
        _("No rule says otherwise from then on. What members took off themselves cannot be given back."),
    ),
    "unmark_member_tag": Text(
        _("Take back what was said by hand"), _("The rule decides again, if there is one.")
    ),
    "list_surveys": Text(
        _("Surveys with their scores"),
        _("In the key's malls, each score with its 95 per cent interval."),
    ),
    "list_survey_answers": Text(
        _("Answers to a survey"), _("Newest first, without names; verdict low or high chooses among them.")
    ),
    "ask_rights": Text(
        _("Take a privacy request down"),
        _(
            "For a copy, a correction, a restriction or an erasure. A copy can only be opened by the member; an erasure is"
            " approved by a person."
        ),
    ),
    "list_compliance_reports": Text(
        _("Compliance reports"), _("Newest first, with their digests. For keys that are valid everywhere.")
    ),
    "get_compliance_report": Text(
        _("One compliance report"),
        _("Its sections, and the very text its digest is of. For keys that are valid everywhere."),
    ),
    "make_compliance_report": Text(
        _("Make a compliance report"),
        _(
            "What was collected, used, kept, agreed to, asked for, taken out and shared in a period, frozen with a digest. It names nobody."
        ),
    ),
    "list_rights": Text(
        _("Privacy requests"),
        _("In the key's scope; what is open by the day it is due, the rest newest first."),
    ),
    "get_rights": Text(_("One privacy request")),
    "list_follow_ups": Text(
        _("Follow-ups that are due"),
        _("Of members in the key's scope, the most urgent first; ahead those of later days."),
    ),
    "finish_follow_up": Text(
        _("Say what came of a follow-up"),
        _("Not reached notes the try and leaves it open; a channel writes the contact down."),
    ),
    "list_contact_ways": Text(
        _("How a member may be reached now"),
        _("By consent, refusal and quiet hours; what is closed says why."),
    ),
    "record_contact": Text(
        _("Write a contact down"),
        _("Refused when the member may not be reached this way and did not begin it."),
    ),
    "write_care_note": Text(
        _("Write a note on a member"),
        _("Tags it speaks for are proposed with their sentence; nobody has them before a person says so."),
    ),
    "list_message_credits": Text(
        _("What a member’s acceptances still let us send"),
        _("Messages left by template of the mini-program; where there is none, ask at the next tap."),
    ),
    "report_subscription_answers": Text(
        _("Report what a member answered to a pop-up of the mini-program"),
        _("Each acceptance is one message. WeChat tells of the same tap by itself; it counts once."),
    ),
    "list_verbatims": Text(
        _("Comments with how they were read"),
        _("Out of surveys, tickets and chats in the key's malls, newest first, without names."),
    ),
    "list_topics": Text(
        _("Topics of a period"), _("So many days by topic and sentiment, against as many days before.")
    ),
    "decide_verbatim": Text(
        _("Say how a comment is to be read"),
        _("It stays over every later reading, and the program learns from it within a minute."),
    ),
    "list_events": Text(
        _("Events since a place"),
        _(
            "CloudEvents 1.0 in the order they were committed. Begin without a cursor, keep next_cursor, and ask with it next"
            " time: nothing is skipped and nothing comes twice."
        ),
    ),
    "live": Text(_("The process answers")),
    "ready": Text(
        _("The process may be sent work"), _("The database is reachable and its tables fit; 503 when not.")
    ),
    "metrics": Text(
        _("Figures for Prometheus"),
        _("Open to the machine itself; elsewhere it needs a key with events.view."),
    ),
}
