"""Addresses of the inbox."""

from django.urls import path

from zhike.ui.console.views import inbox, knowledge, watch

INBOX = [
    path("knowledge/", knowledge.articles, name="knowledge"),
    path("knowledge/edit/", knowledge.edit_article, name="edit_article"),
    path("knowledge/<slug:code>/", knowledge.article, name="article"),
    path("knowledge/<slug:code>/state/", knowledge.article_state, name="article_state"),
    path("assistant/", knowledge.assistant, name="assistant"),
    path("assistant/misses/<int:miss_id>/", knowledge.teach, name="teach_assistant"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/list/", inbox.inbox_list, name="inbox_list"),
    path("inbox/pass/", inbox.stream_pass, name="inbox_pass"),
    path("inbox/seat/", inbox.seat_state, name="seat_state"),
    path("inbox/seat/here/", inbox.seat_here, name="seat_here"),
    path("inbox/setup/", inbox.setup, name="inbox_setup"),
    path("inbox/setup/seats/<int:staff_id>/", inbox.seat, name="seat"),
    path("inbox/setup/phrase/", inbox.phrase, name="phrase"),
    path("inbox/setup/phrase/<int:phrase_id>/drop/", inbox.drop_phrase, name="drop_phrase"),
    path("inbox/watch/", watch.alerts, name="word_alerts"),
    path("inbox/watch/<int:alert_id>/", watch.judge, name="judge_word_alert"),
    path("inbox/watch/words/", watch.word_list, name="sensitive_words"),
    path("inbox/watch/words/add/", watch.add_words, name="add_sensitive_words"),
    path("inbox/watch/words/begin/", watch.begin, name="begin_sensitive_words"),
    path("inbox/watch/words/<int:word_id>/drop/", watch.drop, name="drop_sensitive_word"),
    path("inbox/<slug:number>/", inbox.conversation, name="conversation"),
    path("inbox/<slug:number>/parts/", inbox.conversation_parts, name="conversation_parts"),
    path("inbox/<slug:number>/news/", inbox.news, name="conversation_news"),
    path("inbox/<slug:number>/send/", inbox.send, name="conversation_send"),
    path("inbox/<slug:number>/typing/", inbox.typing, name="conversation_typing"),
    path("inbox/<slug:number>/seen/", inbox.seen, name="conversation_seen"),
    path("inbox/<slug:number>/looking/", inbox.looking, name="conversation_looking"),
    path("inbox/<slug:number>/take/", inbox.take, name="take_conversation"),
    path("inbox/<slug:number>/close/", inbox.close, name="close_conversation"),
    path("inbox/<slug:number>/transfer/", inbox.transfer, name="transfer_conversation"),
    path("inbox/<slug:number>/snooze/", inbox.snooze, name="snooze_conversation"),
    path("inbox/<slug:number>/ticket/", inbox.to_ticket, name="conversation_ticket"),
    path("inbox/<slug:number>/files/<int:file_id>/", inbox.file, name="conversation_file"),
]
