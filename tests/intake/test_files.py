"""Bytes as rows: formats, encodings, damage, bombs."""

import csv
import gzip
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from zhike.intake import files
from zhike.intake.files import BrokenRow, inspect_file, open_table
from zhike.intake.files import opening as opening_module
from zhike.intake.files import workbook as workbook_module
from zhike.intake.files.opening import BLOCK
from zhike.intake.files.rows import parse_rows

TABLE = [["单号", "金额", "备注"], ["1", "12.50", "拿铁"], ["2", "3", "小票，带逗号"]]


def read(path: Path, **options) -> list[list[str] | BrokenRow]:
    facts = inspect_file(path)
    with open_table(path, facts, **options) as table:
        return [table.columns, *(row for _, row in table)]


def text_of(table: list[list[str]], delimiter: str = ",") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(table)
    return buffer.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.feature("C017")
def test_text_is_read_in_the_encodings_tills_write(
    tmp_path: Path, encoding: str, delimiter: str, packed: bool
):
    data = text_of(TABLE, delimiter).encode(encoding)
    path = tmp_path / "table"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read(path) == TABLE


def test_a_workbook_is_read_as_people_see_it(tmp_path: Path):
    import datetime as dt

    book = Workbook()
    book.active.append(["单号", "时间", "金额", "数量", "", "金额"])
    book.active.append([536365, dt.datetime(2026, 3, 1, 9, 5), 0.1 + 0.2, 3.0, None, True])
    book.active.append([None] * 6)
    book.active.append(["0001", dt.date(2026, 3, 1), 1e-7, 12, "x", 2])
    book.create_sheet("第二页").append(["别的"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert inspect_file(path).sheets == ("Sheet", "第二页")
    assert read(path) == [
        ["单号", "时间", "金额", "数量", "#5", "金额 (2)"],
        ["536365", "2026-03-01 09:05:00", "0.3", "3", "", "true"],
        ["0001", "2026-03-01", "0.0000001", "12", "x", "2"],
    ]
    assert read(path, sheet="第二页") == [["别的"]]
    with pytest.raises(files.NoSuchSheet):
        read(path, sheet="第三页")


def test_a_file_without_headings_numbers_its_columns(tmp_path: Path):
    path = tmp_path / "plain.csv"
    path.write_text("a,b\nc,d\n")
    assert read(path, header=False) == [["1", "2"], ["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", files.EmptyFile),
        (b"\n\n\n", files.EmptyFile),
        (bytes(range(256)) * 40, files.UnreadableFile),
        (b"\x7fELF" + b"\0" * 1000, files.UnreadableFile),
        ("单号,金额\n".encode() + b"\xff\xff\xff\n", files.WrongEncoding),
        (gzip.compress(text_of(TABLE * 2000).encode(), mtime=0)[:-20], files.TruncatedFile),
        (gzip.compress(text_of(TABLE * 2000).encode(), mtime=0)[:200] + b"broken", files.TruncatedFile),
        (b"PK\x03\x04" + b"nonsense" * 20, files.TruncatedFile),
        (b"\xd0\xcf\x11\xe0" + b"nonsense" * 200, files.UnreadableFile),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_refused_with_its_reason(
    tmp_path: Path, data: bytes, problem: type
):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(problem):
        read(path)


def test_a_line_without_end_is_refused(tmp_path: Path):
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "x" * (opening_module.LINE_BYTES_MAX + BLOCK + 1))
    with pytest.raises(files.UnreadableFile):
        read(path)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening_module, "RATIO_COUNTS_FROM", 1024 * 1024)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"0,0\n" * 3_000_000))
    with pytest.raises(files.FileTooLarge):
        inspect_file(path)


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook_module, "RATIO_COUNTS_FROM", 1024 * 1024)
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    with pytest.raises(files.FileTooLarge):
        inspect_file(path)


def test_a_sheet_of_two_cells_a_billion_apart_is_refused(tmp_path: Path):
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet["A1"], sheet["XFD1048576"] = "a", "b"
    path = tmp_path / "wide.xlsx"
    book.save(path)
    with pytest.raises(files.FileTooLarge):
        inspect_file(path)


def test_a_quote_that_never_closes_breaks_its_own_line_only():
    lines = ["1,a\n", '2,"open\n', "3,b\n", *(f"{n},c\n" for n in range(4, 100))]
    rows = list(parse_rows(lines, ","))
    assert rows[0] == ["1", "a"]
    assert isinstance(rows[1], BrokenRow)
    assert rows[2:4] == [["3", "b"], ["4", "c"]]
    assert len(rows) == 99


def test_quotes_inside_words_and_lines_inside_quotes_are_cells():
    text = ['1,7" FRAME,x\n', '2,"two\n', 'lines",y\n', '3,"say ""hi""",z\n', '4,5" and 6",w\n']
    assert list(parse_rows(text, ",")) == [
        ["1", '7" FRAME', "x"],
        ["2", "two\nlines", "y"],
        ["3", 'say "hi"', "z"],
        ["4", '5" and 6"', "w"],
    ]


def test_a_null_character_breaks_its_row_only():
    rows = list(parse_rows(["1,a\n", "2,\0\n", "3,c\n"], ","))
    assert isinstance(rows[1], BrokenRow)
    assert (rows[0], rows[2]) == (["1", "a"], ["3", "c"])


_cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=12)


@given(st.lists(st.lists(_cells, min_size=2, max_size=4), min_size=1, max_size=8))
def test_whatever_is_written_as_csv_is_read_again(table: list[list[str]]):
    lines = io.StringIO(text_of(table), newline="").readlines()
    assert list(parse_rows(lines, ",")) == table


@given(st.lists(st.text(st.sampled_from('ab",\n'), max_size=20), max_size=20))
def test_no_garbage_loses_the_reader(lines: list[str]):
    rows = list(parse_rows([line + "\n" for line in lines], ","))
    assert all(isinstance(row, list | BrokenRow) for row in rows)


def test_many_stray_quotes_cost_only_their_lines():
    lines = [f'{n},"open\n' if n % 3 == 0 else f"{n},ok\n" for n in range(9_001)]
    rows = list(parse_rows(lines, ","))
    assert sum(not isinstance(row, BrokenRow) for row in rows) >= 3_000
    assert ["8999", "ok"] in rows
