"""Reads of tags: what there is, who has which, why, and who would under another rule."""
