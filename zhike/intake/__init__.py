"""数据接入: files of receipts from tills and other systems, checked, cleaned, loaded, and taken back when need be.

Words: a *run* is one file on its way in; a *mapping* says which column means what and how to clean it; a row that
cannot be used goes to *quarantine* with a reason and may be corrected and *replayed*, or discarded. Invariants: every
row of a file is accounted for exactly once (accepted, merged, already recorded, or quarantined by reason); a bad row
never stops a good receipt; the same file loaded twice adds nothing; a run can be undone as a whole.
"""
