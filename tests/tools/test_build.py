"""The build hook: it builds when something changed, and only then."""

from __future__ import annotations

import os
from pathlib import Path

import polib
import pytest

import hatch_build


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("frontend/src/app.js", "zhike/ui/x/templates/x/page.html", "frontend/package-lock.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def stamp(root: Path) -> None:
    folder = root / hatch_build.OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stamp").write_text(hatch_build.digest(root))


def test_fresh_until_a_template_changes(tree: Path):
    assert not hatch_build.is_fresh(tree)
    stamp(tree)
    assert hatch_build.is_fresh(tree)
    (tree / "zhike/ui/x/templates/x/page.html").write_text("<p class='text-lg'>")
    assert not hatch_build.is_fresh(tree)


def test_node_is_asked_for_only_when_needed(tree: Path):
    hook = hatch_build.CustomBuildHook.__new__(hatch_build.CustomBuildHook)
    hook.__dict__["root"] = str(tree)
    assert hook.dependencies() == [hatch_build.NODE_WHEEL]
    stamp(tree)
    assert hook.dependencies() == []


def test_publish_keeps_yesterdays_files_and_removes_older_ones(tmp_path: Path):
    built, target = tmp_path / "built", tmp_path / "target"
    built.mkdir()
    target.mkdir()
    (built / "app-new.js").write_text("new")
    (built / "manifest.json").write_text("{}")
    (target / "app-before.js").write_text("a running server still names it")
    (target / "app-old.js").write_text("old")
    os.utime(target / "app-old.js", (0, 0))
    hatch_build.publish(built, target)
    assert sorted(path.name for path in target.iterdir()) == ["app-before.js", "app-new.js", "manifest.json"]


def test_translations_are_compiled_once(tmp_path: Path):
    source = tmp_path / "zhike/x/locale/zh_Hans/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalogue.append(polib.POEntry(msgid="Points", msgstr="积分"))
    catalogue.append(polib.POEntry(msgid="Tier", msgstr="等级", flags=["fuzzy"]))
    catalogue.save(str(source))
    hatch_build.compile_translations(tmp_path)
    compiled = source.with_suffix(".mo")
    assert [entry.msgstr for entry in polib.mofile(str(compiled))] == ["积分"]
    written = compiled.stat().st_mtime_ns
    hatch_build.compile_translations(tmp_path)
    assert compiled.stat().st_mtime_ns == written
