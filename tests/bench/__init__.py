"""Speed, measured against what the database itself can do: `make bench`.

A module `bench_<name>.py` here has `run() -> list[Result]`, made with `tests.bench.harness.result`. It runs in its own
process on its own freshly migrated database of a server with fsync on; with `KEEP_DATABASE = True` the database is kept
for the next run, for those that first have to load a million rows.
"""
