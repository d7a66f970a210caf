"""`python -m tests.bench [--only NAME ...]`: runs the benchmarks, prints a table, writes build/bench.json."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.harness import HOME, ROOT, Result
from zhike.kernel import embedded_postgres

PREFIX = "bench_"
OUTPUT = ROOT / "build" / "bench.json"


def modules(only: Sequence[str]) -> list[str]:
    """The benchmark modules by name, all or those asked for with or without their prefix."""
    found = sorted(path.stem for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))
    wanted = {name if name.startswith(PREFIX) else PREFIX + name for name in only}
    if unknown := wanted - set(found):
        raise SystemExit(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(found) or 'none'}"
        )
    return [name for name in found if not wanted or name in wanted]


def run(name: str) -> list[Result] | None:
    """The results of one benchmark, or None when it broke."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result.json"
        command = [sys.executable, "-m", "tests.bench.child", name, str(target)]
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        if done.returncode or not target.exists():
            return None
        results: list[Result] = json.loads(target.read_text(encoding="utf-8"))
        return results


def passes(result: Result) -> bool | None:
    """Whether the target is met; None when there is none."""
    if result["target"] is None:
        return None
    return result["ratio"] is not None and result["ratio"] >= result["target"]


def table(results: Sequence[Result]) -> Table:
    shown = Table(title="Ratio 1 = as fast as the same work done by hand in the database", title_style="dim")
    shown.add_column("Benchmark", overflow="fold")
    for heading in ("Value", "Limit", "Ratio", "Target", "p50 ms", "p99 ms", ""):
        shown.add_column(heading, justify="right")
    marks = {True: "[green]pass[/]", False: "[red]FAIL[/]", None: "—"}
    for result in results:
        shown.add_row(
            result["name"],
            f"{figure(result['value'])} {result['unit']}",
            figure(result["limit"]),
            figure(result["ratio"]),
            "" if result["target"] is None else f"≥ {result['target']:g}",
            figure(result["p50_ms"]),
            figure(result["p99_ms"]),
            marks[passes(result)],
        )
    return shown


def figure(number: float | None) -> str:
    if number is None:
        return "—"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Runs the benchmarks.")
    parser.add_argument(
        "--only", action="append", default=[], help="only this one, e.g. receipts; may be repeated"
    )
    console = Console()
    results: list[Result] = []
    broken: list[str] = []
    for name in modules(parser.parse_args(argv).only):
        console.print(f"[bold]{name.removeprefix(PREFIX)}[/] …")
        began = time.monotonic()
        measured = run(name)
        if measured is None:
            broken.append(name)
            console.print(f"[red]{name} broke[/]")
            continue
        results += measured
        console.print(f"  took {time.monotonic() - began:.0f} s", style="dim")
    embedded_postgres.stop(HOME)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(table(results))
    missed = [result["name"] for result in results if passes(result) is False]
    if missed:
        console.print(f"[red]under target:[/] {', '.join(missed)}")
    return 1 if broken or missed else 0


if __name__ == "__main__":
    sys.exit(main())
