"""导购: sales associates and members of their own: what to do for whom today, what was said, what came of it.

Words: a *follow-up* (跟进) is one reason to turn to a member, found by a *reminder rule* (提醒规则) or set by hand; it ends done,
skipped, settled (the reason is gone) or lapsed (too late); a *contact* (联系) is a call, message or talk that took place; a *note*
(导购笔记) is what an associate heard, and a *proposal* (标签建议) a tag that a sentence of it speaks for, until a person decides.
What always holds: one reason of one member is one follow-up; nobody sees follow-ups, contacts or notes of members who are not
theirs; nothing becomes a tag without a person's word; nobody is offered a way to reach a member who refused it or wants quiet now.
"""
