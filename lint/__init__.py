"""The rules of the house that a machine can keep: `python -m lint` for the code, `lint-imports` for the contracts."""
