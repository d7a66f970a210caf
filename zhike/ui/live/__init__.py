"""The live stream: one process that holds the open connections of chats, so that no thread of the web waits for them.

It tells (Server-Sent Events) and takes nothing: everything is written through the pages. It decides nothing either: who
may watch what stands in a pass that the pages hand out.
"""
