"""A mailbox as a way in for customers: read by IMAP, answered by SMTP."""
