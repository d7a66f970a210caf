"""Which records may be of one and the same person, by likeness (Fellegi and Sunter 1969), computed by Splink on DuckDB.

For a worker or a command, never for a web process: nothing here is imported before it is called.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAMPLED_PAIRS = 1_000_000
SEED = 1
LOWEST = 0.01


@dataclass(frozen=True, slots=True)
class Likeness:
    """How one column is compared. ``kind``: text (Jaro-Winkler), digits (Levenshtein) or exact.

    ``steps`` are the thresholds of "nearly"; ``same`` the columns that make it "sounds alike" when they are equal.
    ``chances``: for each level, best first, how often it holds for one person's two records and for two persons' (None:
    learnt from the records).
    """

    column: str
    kind: str = "text"
    steps: tuple[float, ...] = ()
    same: tuple[str, ...] = ()
    chances: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What is compared, which pairs are looked at (equal in all columns of one of ``blocks``), and what is learnt on."""

    likenesses: tuple[Likeness, ...]
    blocks: tuple[tuple[str, ...], ...]
    learn_on: tuple[tuple[str, ...], ...] = ()
    duplicates: float = 0.05
    """The share of records that are expected to have a twin."""


@dataclass(frozen=True, slots=True)
class Match:
    """Two records and the probability that they are one person's; ``levels`` say how well each column fits, 0 not at all."""

    first: str
    second: str
    probability: float
    levels: Mapping[str, int]


def matches(records: Sequence[Mapping[str, Any]], model: Model, *, at_least: float = 0.5) -> list[Match]:
    """The pairs of records (each with an ``id``) that are probably one person's, the surest first."""
    if len(records) < 2:
        return []
    import duckdb
    import pyarrow as pa
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    con = duckdb.connect()
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="id",
        comparisons=[_comparison(one) for one in model.likenesses],
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in model.blocks],
        probability_two_random_records_match=min(0.5, 2 * model.duplicates / len(records)),
        retain_intermediate_calculation_columns=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api = DuckDBAPI(con)
        table = api.register(pa.Table.from_pydict(_columns(records, model)))
        linker = Linker(table, settings, log_level="ERROR")
        if model.learn_on:
            linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)
            for columns in model.learn_on:
                linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
        predicted = linker.inference.predict(threshold_match_probability=max(at_least, LOWEST))
        rows = predicted.as_record_list()
    con.close()
    return sorted(map(_match, rows), key=lambda one: (-one.probability, one.first, one.second))


def _columns(records: Sequence[Mapping[str, Any]], model: Model) -> dict[str, list[Any]]:
    """By column, what is unknown as None: "" is no value."""
    wanted = {"id"} | {one.column for one in model.likenesses}
    wanted |= {column for one in model.likenesses for column in one.same}
    wanted |= {column for block in (*model.blocks, *model.learn_on) for column in block}
    return {name: [str(row[name]) if row.get(name) else None for row in records] for name in sorted(wanted)}


def _comparison(one: Likeness) -> Any:
    """A comparison of Splink: unknown, the same, what sounds or is nearly the same, anything else."""
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons

    nearly: dict[str, Any] = {"text": levels.JaroWinklerLevel, "digits": levels.LevenshteinLevel}
    steps: list[Any] = [levels.ExactMatchLevel(one.column)]
    steps += [levels.ExactMatchLevel(column) for column in one.same]
    steps += [nearly[one.kind](one.column, step if one.kind == "text" else int(step)) for step in one.steps]
    steps.append(levels.ElseLevel())
    if one.chances is not None:
        for level, (of_one, of_two) in zip(steps, one.chances, strict=True):
            level.configure(m_probability=of_one, u_probability=of_two)
    return comparisons.CustomComparison([levels.NullLevel(one.column), *steps], output_column_name=one.column)


def _match(row: Mapping[str, Any]) -> Match:
    levels = {
        name.removeprefix("gamma_"): int(level) for name, level in row.items() if name.startswith("gamma_")
    }
    first, second = sorted((str(row["id_l"]), str(row["id_r"])))
    return Match(first, second, float(row["match_probability"]), levels)


PERSONS = Model(
    likenesses=(
        Likeness("name", same=("pinyin",), chances=((0.85, 0.0004), (0.10, 0.0006), (0.05, 0.999))),
        Likeness("birthday", "digits", (1,), chances=((0.90, 0.00005), (0.05, 0.0015), (0.05, 0.99845))),
        Likeness("address", steps=(0.92,), chances=((0.60, 0.0002), (0.20, 0.002), (0.20, 0.9978))),
        Likeness("sex", "exact", chances=((0.97, 0.5), (0.03, 0.5))),
        Likeness("device", "exact", chances=((0.70, 0.0001), (0.30, 0.9999))),
    ),
    blocks=(
        ("name", "birthday"),
        ("pinyin", "birthday"),
        ("name", "address"),
        ("initials", "birthday"),
        ("device",),
        ("rare_name",),
    ),
)
"""Our own records. The chances are set, not learnt: a mall has too few twins to learn from. They are cautious: names and
days are taken for more common than they are, and what is not known speaks neither for nor against."""
