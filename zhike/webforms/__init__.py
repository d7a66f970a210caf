"""表单: forms that a marketer builds without code, what people answered, and what each answer sets off.

Words: a *form* (表单) has a *draft* that is edited and *versions* (版本) that are frozen; a *field* (字段) asks one thing, or only
says something; a *condition* (显示条件) shows a field after an earlier answer; an *answer* (答卷) is one sheet filled in; a *deed*
(后续处理) is what an answer brought about; a *lead* (线索) is somebody who left a phone that nobody has proved yet.
What always holds: an answer stays with the version it was given to; a limit is never passed; each deed happens once; nobody's
record is touched because somebody else typed their phone; what people wrote in their own words is encrypted.
"""
