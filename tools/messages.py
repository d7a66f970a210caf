"""Keeps the translation catalogues: `python -m tools.messages [--app NAME ...] [--check] [--fill FILE]`.

Every app has `locale/<language>/LC_MESSAGES/django.po` for three languages. The msgids are English, in the code.

- `zh_Hans` is written by people (or handed in with `--fill`, a JSON object of msgid to text);
  a text already translated in another app is taken from there;
- `en` is filled by identity;
- `zh_Hant` is filled from `zh_Hans` by OpenCC and flagged `opencc`; remove the flag to keep a text written by hand.

Files are sorted and carry neither dates nor line numbers, so that two branches merge. `--check` writes nothing and
fails when a file is not what this tool would write, when a translation is missing or has other placeholders, or when
Chinese has half-width punctuation.
"""

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import opencc
import polib

from tools.catalog_extract import Found, Message, extract_file

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "zhike"
FALLBACK_APP = "config"
LANGUAGES = {
    "zh_Hans": "nplurals=1; plural=0;",
    "en": "nplurals=2; plural=(n != 1);",
    "zh_Hant": "nplurals=1; plural=0;",
}
TEMPLATE_SUFFIXES = {".html", ".txt", ".svg"}
_PLACEHOLDER = re.compile(r"%\(([^)]+)\)[sd]|%[sd]|(?<!\{)\{(\w*)\}(?!\})")

_HALF_WIDTH = re.compile(r"[\u3400-\u9fff] ?[,;:!?()]|[,;:!?()] ?[\u3400-\u9fff]")

Key = tuple[str, str]
"""(context, msgid): what gettext looks a text up by."""


@dataclass
class App:
    """A directory with its own catalogues, and the messages found in it."""

    name: str
    path: Path
    messages: dict[Key, Message] = field(default_factory=dict)
    is_readable: bool = True
    """False when one of its files could not be parsed: then nothing may be dropped from its catalogues."""

    def catalogue(self, language: str) -> Path:
        return self.path / "locale" / language / "LC_MESSAGES" / "django.po"


@dataclass
class Report:
    """What is wrong, as lines for a person."""

    problems: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


# Reading


def find_apps(package: Path = PACKAGE) -> dict[Path, App]:
    """Every directory under `package` that is a Django app, and the one that takes what no app owns."""
    paths = {path.parent for path in package.rglob("apps.py")} | {package / FALLBACK_APP}
    return {path: App(path.relative_to(package).as_posix(), path) for path in sorted(paths)}


def collect(package: Path = PACKAGE) -> tuple[dict[Path, App], list[str]]:
    """The apps with their messages, and complaints about texts that contradict each other."""
    apps = find_apps(package)
    complaints = []
    for path in sorted(_sources(package)):
        owner = next(
            (apps[parent] for parent in path.parents if parent in apps), apps[package / FALLBACK_APP]
        )
        try:
            found = list(extract_file(path))
        except SyntaxError as error:
            owner.is_readable = False
            complaints.append(
                f"{path.relative_to(package.parent)}: cannot be read, {owner.name} is left alone: {error}"
            )
            continue
        complaints += [complaint for one in found if (complaint := _add(owner, one))]
    return apps, complaints


def _sources(package: Path) -> Iterable[Path]:
    for path in package.rglob("*"):
        parts = path.relative_to(package).parts
        is_template = "templates" in parts and path.suffix in TEMPLATE_SUFFIXES
        if (path.suffix == ".py" or is_template) and not {"migrations", "node_modules"} & set(parts):
            yield path


def _add(app: App, found: Found) -> str:
    message = found.message
    key = (message.context, message.msgid)
    known = app.messages.setdefault(key, message)
    if message.plural and not known.plural:
        app.messages[key] = message
    elif message.plural and known.plural != message.plural:
        return f"{found.path}:{found.line}: another plural is used elsewhere for {message.msgid!r}"
    return ""


# Translating


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("s2twp")


@cache
def to_traditional(text: str) -> str:
    return str(_converter().convert(text))


def _read(path: Path) -> dict[Key, polib.POEntry]:
    if not path.exists():
        return {}
    entries = polib.pofile(str(path), encoding="utf-8")
    return {(entry.msgctxt or "", entry.msgid): entry for entry in entries if not entry.obsolete}


def _texts(entry: polib.POEntry | None) -> list[str]:
    """The translated forms of an entry; empty when any of them is missing or it waits for review."""
    if entry is None or "fuzzy" in entry.flags:
        return []
    texts = (
        [entry.msgstr_plural[form] for form in sorted(entry.msgstr_plural)]
        if entry.msgid_plural
        else [entry.msgstr]
    )
    return texts if all(texts) else []


def _same_shape(entry: polib.POEntry | None, message: Message) -> bool:
    return entry is not None and bool(entry.msgid_plural) == bool(message.plural)


def translate(
    message: Message,
    language: str,
    old: polib.POEntry | None,
    simplified: Sequence[str],
    memory: dict[Key, list[str]],
) -> tuple[list[str], list[str]]:
    """The forms and the flags of one entry of one language; no forms when a person has to write them."""
    kept = _texts(old) if _same_shape(old, message) else []
    if language == "zh_Hans":
        return kept or memory.get((message.context, message.msgid), []), []
    if language == "en":
        return kept or ([message.msgid, message.plural] if message.plural else [message.msgid]), []
    if kept and old is not None and "opencc" not in old.flags:
        return kept, []
    return [to_traditional(text) for text in simplified], ["opencc"] if simplified else []


def build(app: App, memory: dict[Key, list[str]]) -> dict[str, polib.POFile]:
    """The three catalogues as they ought to be."""
    old = {language: _read(app.catalogue(language)) for language in LANGUAGES}
    files = {language: _empty(language) for language in LANGUAGES}
    for key in sorted(app.messages):
        message = app.messages[key]
        simplified: list[str] = []
        for language in LANGUAGES:
            texts, flags = translate(message, language, old[language].get(key), simplified, memory)
            if language == "zh_Hans":
                simplified = texts
            files[language].append(_entry(message, language, texts, flags))
    return files


def _empty(language: str) -> polib.POFile:
    file = polib.POFile(wrapwidth=0)
    file.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": LANGUAGES[language],
    }
    return file


def _entry(message: Message, language: str, texts: list[str], flags: list[str]) -> polib.POEntry:
    forms = 2 if language == "en" else 1
    if "%(" in message.msgid + message.plural:
        flags = [*flags, "python-format"]
    plural = (
        {form: texts[form] if form < len(texts) else "" for form in range(forms)} if message.plural else {}
    )
    return polib.POEntry(
        msgid=message.msgid,
        msgid_plural=message.plural,
        msgctxt=message.context or None,
        msgstr="" if message.plural or not texts else texts[0],
        msgstr_plural=plural,
        flags=flags,
    )


# Judging


def placeholders(text: str) -> set[str]:
    return {match[0].rstrip("sd") for match in _PLACEHOLDER.finditer(text.replace("%%", ""))}


def half_width(text: str) -> str:
    """The first half-width comma, colon, bracket and the like beside a Chinese character, which wants 全角; "" if none.

    What a placeholder will put there counts as Chinese.
    """
    found = _HALF_WIDTH.search(_PLACEHOLDER.sub("值", text))
    return found[0].strip("值 ") if found else ""


def find_problems(app: App, files: dict[str, polib.POFile]) -> list[str]:
    """Texts without a translation, with other placeholders than the source, or with punctuation of the wrong width."""
    problems = []
    for language, file in files.items():
        for entry in file:
            texts = _texts(entry)
            where = f"{app.name} [{language}] {entry.msgid!r}"
            if not texts and language != "zh_Hant":
                problems.append(f"{where}: not translated")
            expected = placeholders(entry.msgid_plural or entry.msgid)
            allowed = expected | placeholders(entry.msgid)
            for text in texts:
                if language.startswith("zh") and (wrong := half_width(text)):
                    problems.append(f"{where}: has half-width punctuation at {wrong!r}")
                given = placeholders(text)
                if not (given <= allowed if entry.msgid_plural else given == expected):
                    problems.append(f"{where}: has placeholders {sorted(given)}, not {sorted(expected)}")
    return problems


def find_conflicts(catalogues: dict[str, dict[str, polib.POFile]]) -> list[str]:
    """Texts that two apps translate differently: Django would show one of the two everywhere."""
    seen: dict[tuple[str, Key], dict[tuple[str, ...], str]] = defaultdict(dict)
    for app, files in catalogues.items():
        for language, file in files.items():
            for entry in file:
                if texts := tuple(_texts(entry)):
                    seen[language, (entry.msgctxt or "", entry.msgid)].setdefault(texts, app)
    return [
        f"[{language}] {key[1]!r} is translated differently: "
        + "; ".join(f"{app} {' / '.join(texts)!r}" for texts, app in variants.items())
        for (language, key), variants in seen.items()
        if len(variants) > 1
    ]


# Writing


def write(app: App, files: dict[str, polib.POFile], *, check: bool, report: Report) -> None:
    """Writes what differs from the disk, or reports it when only checking."""
    for language, file in files.items():
        path = app.catalogue(language)
        wanted = str(file) + "\n" if len(file) else ""
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if wanted == current:
            continue
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        if check:
            report.problems.append(f"{shown}: out of date, run `make messages`")
            continue
        report.written.append(str(shown))
        if not wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(wanted, encoding="utf-8")
        draft.replace(path)


def compile_catalogues(package: Path = PACKAGE) -> None:
    """Writes the binary catalogue that Django reads beside each one that is newer."""
    for source in package.rglob("locale/*/LC_MESSAGES/django.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            draft = source.with_suffix(f".{os.getpid()}.tmp")
            polib.pofile(str(source), encoding="utf-8").save_as_mofile(str(draft))
            draft.replace(target)


def translation_memory(apps: Iterable[App], handed_in: dict[str, str]) -> dict[Key, list[str]]:
    """Simplified Chinese texts known from any app, and those handed in; the latter win."""
    memory: dict[Key, list[str]] = {}
    for app in apps:
        for key, entry in _read(app.catalogue("zh_Hans")).items():
            if texts := _texts(entry):
                memory.setdefault(key, texts)
        memory |= {key: [handed_in[key[1]]] for key in app.messages if handed_in.get(key[1])}
    return memory


def run(
    *,
    package: Path = PACKAGE,
    only: Sequence[str] = (),
    check: bool = False,
    handed_in: dict[str, str] | None = None,
) -> Report:
    """Brings the catalogues of the chosen apps (all of them by default) up to date, or checks them."""
    apps, complaints = collect(package)
    unknown = set(only) - {app.name for app in apps.values()}
    if unknown:
        raise SystemExit(
            f"no such app: {', '.join(sorted(unknown))}; known: {', '.join(a.name for a in apps.values())}"
        )
    report = Report(problems=complaints)
    memory = translation_memory(apps.values(), handed_in or {})
    catalogues = {}
    for app in apps.values():
        if app.is_readable and (not only or app.name in only):
            catalogues[app.name] = build(app, memory)
            write(app, catalogues[app.name], check=check, report=report)
            report.problems += find_problems(app, catalogues[app.name])
    report.problems += find_conflicts(catalogues)
    return report


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make messages", description="Keeps the translation catalogues.")
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        help="only this app, e.g. loyalty or ui/console; may be repeated",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when something is missing or stale"
    )
    parser.add_argument(
        "--fill", type=Path, help="JSON object of msgid to Simplified Chinese, taken where a text is missing"
    )
    parser.add_argument(
        "--compile", action="store_true", help="only write the binary catalogues that Django reads"
    )
    options = parser.parse_args(argv)
    if options.compile:
        compile_catalogues()
        return 0
    handed_in = json.loads(options.fill.read_text(encoding="utf-8")) if options.fill else {}
    report = run(only=options.app, check=options.check, handed_in=handed_in)
    if not options.check:
        compile_catalogues()
    for line in report.written:
        print(f"wrote {line}")
    for line in report.problems:
        print(line)
    print(f"{len(report.problems)} to do" if report.problems else "translations are complete")
    return 1 if report.problems and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
