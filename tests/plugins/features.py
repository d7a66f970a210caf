"""`@pytest.mark.feature("C083")` names the rows of the feature map that a test proves.

`--features-json=PATH` writes `{"C083": {"passed": 3, "failed": 0}}`. A test counts once, whatever its phases did;
a skipped test counts as nothing. Works under xdist: the ids travel in the reports.
"""

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

PROPERTY = "feature"
_ID = re.compile(r"[A-Z]{1,2}\d{1,4}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--features-json", metavar="PATH", help="write passed and failed tests per feature to PATH"
    )


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--features-json")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FeatureCounter(Path(path)), "feature-counter")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers(PROPERTY):
            for identifier in marker.args:
                if not (isinstance(identifier, str) and _ID.fullmatch(identifier)):
                    raise pytest.UsageError(f"{item.nodeid}: {identifier!r} is no feature id")
                item.user_properties.append((PROPERTY, identifier))


class FeatureCounter:
    """Counts in the process that reports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.features: dict[str, set[str]] = {}
        self.failed: set[str] = set()
        self.passed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        identifiers = {str(value) for name, value in report.user_properties if name == PROPERTY}
        if not identifiers:
            return
        self.features.setdefault(report.nodeid, set()).update(identifiers)
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def counts(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = defaultdict(lambda: {"passed": 0, "failed": 0})
        for test, identifiers in self.features.items():
            for identifier in identifiers:
                counts[identifier]["failed"] += test in self.failed
                counts[identifier]["passed"] += test in self.passed - self.failed
        return {identifier: counts[identifier] for identifier in sorted(counts)}

    def pytest_sessionfinish(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.counts(), indent=2) + "\n", encoding="utf-8")
