"""The checklists a mall begins with: general, and one for complaints."""

from __future__ import annotations

from zhike.service.rules.quality import Item

_GENERAL = (
    Item("understood", "quality", "准确理解顾客的问题，没有答非所问", 10),
    Item("right", "quality", "答复内容正确、完整，与知识库和规则一致", 15, fatal=True),
    Item("solved", "quality", "一次解决，或说清下一步、由谁、何时答复", 15),
    Item("first_answer", "process", "接手后在承诺时间内首次回复", 8, fact="first_answer"),
    Item("greeting", "process", "主动问候并说明身份", 4, fact="greeting"),
    Item("identity", "process", "提供个人信息之前核实身份", 10, fatal=True, fact="identity"),
    Item("record", "process", "需要跟进的已建工单或内部备注", 6),
    Item("farewell", "process", "确认没有其他问题，礼貌结束", 4, fact="farewell"),
    Item("polite", "attitude", "用语礼貌，没有反问、推诿、催促", 10, fatal=True, fact="watched_words"),
    Item("empathy", "attitude", "先体谅情绪，再说办法", 8, fact="satisfaction"),
    Item("beyond", "innovation", "主动给出更好的办法，或顺带提醒顾客的权益", 5),
    Item("proposal", "innovation", "把可改进之处反馈给部门或知识库", 5),
)
_COMPLAINT = (
    Item("sorry", "attitude", "第一时间致歉并复述顾客的诉求", 10),
    Item("polite", "attitude", "用语礼貌，没有反问、推诿、催促", 10, fatal=True, fact="watched_words"),
    Item("empathy", "attitude", "先体谅情绪，再说办法", 8, fact="satisfaction"),
    Item("first_answer", "process", "接手后在承诺时间内首次回复", 10, fact="first_answer"),
    Item("no_wait", "process", "过程中没有让顾客久等，久等时有说明", 6, fact="longest_wait"),
    Item("ticket", "process", "已建投诉工单，严重的已升级", 12, fatal=True),
    Item("identity", "process", "提供个人信息之前核实身份", 8, fatal=True, fact="identity"),
    Item("authority", "process", "没有承诺权限之外的赔偿", 10, fatal=True),
    Item("facts", "quality", "问清时间、地点、商户和经过，索取凭证", 10),
    Item("deadline", "quality", "给出明确的处理时限和回访安排", 12),
    Item("beyond", "innovation", "提出避免再次发生的建议", 4),
)
USUAL: tuple[tuple[str, str, tuple[str, ...], tuple[Item, ...]], ...] = (
    ("general", "在线服务质检表", (), _GENERAL),
    ("complaint", "投诉处理质检表", ("complaints",), _COMPLAINT),
)
"""(code, name, skills, items)."""
