"""The time machine: the whole ledger again, by today's rules (nothing may differ) or by a draft (what would differ)."""

from zhike.loyalty.operations.replay.running import (
    InvalidDraft,
    TooManyReplays,
    begin_replay,
    run_replay,
)

__all__ = ["InvalidDraft", "TooManyReplays", "begin_replay", "run_replay"]
