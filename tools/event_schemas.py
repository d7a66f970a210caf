"""The shape of every event type, as JSON Schema in docs/events/: `python -m tools.event_schemas [--check]`.

The snapshots are committed, so that a change of an event's shape is seen in review: what listens, here or outside,
depends on it.
"""

import dataclasses
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

import zhike
from zhike.kernel.events.base import Fact, source_of

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "events"


def fact_classes() -> dict[str, type[Fact]]:
    """Every fact of the contexts, by its type. Raises ValueError when two share one."""
    classes: dict[str, type[Fact]] = {}
    for name in _event_modules():
        module = importlib.import_module(name)
        for value in vars(module).values():
            is_fact = isinstance(value, type) and issubclass(value, Fact) and dataclasses.is_dataclass(value)
            if is_fact and value.__module__ == name and not value.__name__.startswith("_"):
                if value.type in classes:
                    raise ValueError(
                        f"{value.type} is the type of {classes[value.type].__name__} and {value.__name__}"
                    )
                classes[value.type] = value
    return dict(sorted(classes.items()))


def _event_modules() -> Iterator[str]:
    for context in pkgutil.iter_modules(zhike.__path__, "zhike."):
        if not context.ispkg:
            continue
        for room in pkgutil.iter_modules(
            [str(Path(zhike.__path__[0]) / context.name.removeprefix("zhike."))]
        ):
            if room.name == "events" and context.name != "zhike.kernel":
                name = f"{context.name}.events"
                yield name
                if room.ispkg:
                    inside = importlib.import_module(name).__path__
                    yield from (found.name for found in pkgutil.walk_packages(inside, f"{name}."))


def schema(fact: type[Fact]) -> str:
    """The JSON Schema of the `data` of an event, as text."""
    (shape,), parts = msgspec.json.schema_components([fact], ref_template="#/$defs/{name}")
    own = parts.pop(fact.__name__, shape)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": fact.type,
        "source": source_of(fact.type),
        **own,
    }
    if parts:
        document["$defs"] = dict(sorted(parts.items()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def stale(*, write: bool) -> list[str]:
    """Names of the snapshots that are not what the code says; they are put right when `write`."""
    wanted = {f"{name}.json": schema(fact) for name, fact in fact_classes().items()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    existing = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    different = sorted(
        name for name in wanted.keys() | existing.keys() if wanted.get(name) != existing.get(name)
    )
    for name in different if write else []:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return different


def main(argv: Sequence[str]) -> int:
    check = "--check" in argv
    different = stale(write=not check)
    for name in different:
        print(
            f"docs/events/{name}: {'out of date, run `python -m tools.event_schemas`' if check else 'written'}"
        )
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
