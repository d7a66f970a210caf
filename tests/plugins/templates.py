"""`--all-templates`: the run fails when a template of the product was rendered by no test. For runs of the whole suite.

What the browser tests show does not count: their server is another process.
"""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "zhike_templates"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-templates", action="store_true", help="fail when a template is rendered by no test"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--all-templates"):
        config.pluginmanager.register(TemplateWatch(config), "template-watch")


class TemplateWatch:
    """Remembers the files of rendered templates; under xdist the workers hand theirs to the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.rendered: set[str] = set()
        self.unrendered: list[str] = []

    def pytest_sessionstart(self) -> None:
        from django.test.signals import template_rendered

        template_rendered.connect(self._remember)

    def _remember(self, template: Any, **_rest: object) -> None:
        self.rendered.add(str(template.origin.name))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.rendered.update(getattr(node, "workeroutput", {}).get(KEY, []))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        worker_output = getattr(self.config, "workeroutput", None)
        if worker_output is not None:
            worker_output[KEY] = sorted(self.rendered)
            return
        own = {str(path) for path in (ROOT / "zhike").rglob("templates/**/*.html")}
        self.unrendered = sorted(str(Path(name).relative_to(ROOT)) for name in own - self.rendered)
        if self.unrendered and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.unrendered:
            terminalreporter.section("templates that no test renders", red=True)
            for name in self.unrendered:
                terminalreporter.line(name)
