"""What the documents say is there: links, files, commands, variables; and what they compute is right."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from zhike.config.cli import main
from zhike.loyalty.rules.definition import parse_definition
from zhike.loyalty.rules.earning import rederive

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("zhike/**/README.md"),
        ROOT / "frontend/README.md",
    ]
)
GENERATED = {"docs/FEATURES.md", "docs/events"}
"""Written by `make features` and `make events`; a page may name them before they were."""

FOLDERS = "zhike|tests|docs|lint|tools|frontend|examples"
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<kind>\w*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
NAMED_PATH = re.compile(rf"^(?:{FOLDERS})/[\w./*-]+$")
COMMAND = re.compile(r"(?<![\w./@-])(?:\.venv/bin/)?zhike ([a-z][^|&;<>()]*)")
MAKE = re.compile(r"\bmake ([a-z]+)\b")
VARIABLE = re.compile(r"\bZHIKE_[A-Z_]+\b")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, *kinds: str) -> Iterator[str]:
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        if match["kind"] in kinds:
            yield match["text"]


def code_of(page: Path) -> list[str]:
    """Code in the running text, and each line of the shell's blocks."""
    lines = [line.partition("  #")[0] for text in blocks(page, "sh", "ini") for line in text.splitlines()]
    return [*CODE.findall(prose(page)), *lines]


def anchors(page: Path) -> set[str]:
    """The names that a forge gives to headings."""
    headings = re.findall(r"^#{1,6} (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pages
def test_links_lead_somewhere(page: Path):
    for match in LINK.finditer(prose(page)):
        name, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        target = (page.parent / name).resolve() if name else page
        assert target.exists() or str(target.relative_to(ROOT)) in GENERATED, (
            f"{match['target']} is not there"
        )
        assert not anchor or anchor in anchors(target), f"{name} has no heading #{anchor}"


@pages
def test_named_files_exist(page: Path):
    for name in filter(NAMED_PATH.match, CODE.findall(prose(page))):
        if name.rstrip("/") not in GENERATED:
            assert list(ROOT.glob(name.rstrip("/"))), f"{name} is not there"


def unknown_words(words: list[str]) -> list[str]:
    """The commands and options of a `zhike …` line that the program does not know."""
    command: click.Command | None = main
    options: set[str] = set()
    unknown = []
    for word in words:
        if isinstance(command, click.Group) and re.fullmatch(r"[a-z]+", word):
            command = command.get_command(click.Context(command), word)
            if command is None:
                return [word]
            if command.context_settings.get("ignore_unknown_options"):
                return []
            options |= {
                name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)
            }
        elif word.startswith("--") and word.partition("=")[0] not in {*options, "--help", "--version"}:
            unknown.append(word)
    return unknown


@pages
def test_named_commands_exist(page: Path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for code in code_of(page):
        for line in COMMAND.findall(code):
            assert unknown_words(line.split()) == [], code
        assert set(MAKE.findall(code)) <= targets, code


def test_variables_are_read_by_the_program():
    sources = [*ROOT.glob("zhike/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("tools/*")]
    read = {
        name
        for path in sources
        if path.is_file()
        for name in VARIABLE.findall(path.read_text(encoding="utf-8"))
    }
    named = {name for page in PAGES for name in VARIABLE.findall(page.read_text(encoding="utf-8"))}
    assert named - read == set()


def test_rules_in_the_guide_can_be_used():
    rules = [json.loads(text) for text in blocks(ROOT / "docs/guides/earning-rules.md", "json")]
    definitions = [rule for rule in rules if "base" in rule]
    assert len(definitions) >= 2
    for definition in definitions:
        parse_definition(definition)


def test_worked_examples_add_up():
    examples = [json.loads(text) for text in blocks(ROOT / "docs/guides/earning-rules.md", "json")]
    explanations = [example for example in examples if "rules" in example]
    assert explanations
    for explanation in explanations:
        assert rederive(explanation, "down") == explanation["points"]
        for part in explanation["rules"]:
            assert sum(points for *_, points in part["lines"]) == part["points"]


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for number, name in enumerate(listed, start=1):
        assert name.startswith(f"{number:04}-")
        text = (folder / name).read_text(encoding="utf-8")
        for heading in ("## Context", "## Decision", "## What it costs"):
            assert heading in text or name == "0009-not-done.md", f"{name} lacks {heading}"
        assert "\nStatus: " in text


def test_pictures_are_small():
    for picture in ROOT.glob("docs/images/*"):
        assert picture.stat().st_size <= 300 * 1024, f"{picture.name} is larger than 300 KB"
