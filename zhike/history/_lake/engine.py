"""DuckDB over the lake's files. Imported when it is used: the engine is large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhike.history._lake.folder import Folder, LakeFile, Manifest
from zhike.history.rules import CHUNK_ROWS, SMALL_FILES_MAX, TABLES, Days, LakeTable

if TYPE_CHECKING:
    import duckdb

_TYPES = {"int64": "BIGINT", "int32": "INTEGER", "date": "DATE", "string": "VARCHAR", "boolean": "BOOLEAN"}
_PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
MEMORY = "1500MB"


@contextmanager
def engine(folder: Folder) -> Iterator[duckdb.DuckDBPyConnection]:
    """In memory, on two threads; what does not fit goes to the folder. It neither reads nor loads anything from elsewhere."""
    import duckdb

    spill = folder.path / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": "2", "memory_limit": MEMORY, "temp_directory": str(spill), "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }  # fmt: skip
    connection = duckdb.connect(":memory:", config=config)
    try:
        yield connection
    finally:
        connection.close()


def open_tables(connection: duckdb.DuckDBPyConnection, folder: Folder, manifest: Manifest) -> None:
    """Every table as a view of its name."""
    for table in TABLES:
        connection.execute(
            f'CREATE OR REPLACE VIEW "{table.name}" AS {_select(table, folder, manifest.files(table.name))}'
        )


def _select(table: LakeTable, folder: Folder, files: Sequence[LakeFile]) -> str:
    names = ", ".join(name for name, _ in table.columns)
    if not files:
        empty = ", ".join(f"NULL::{_TYPES[kind]} AS {name}" for name, kind in table.columns)
        return f"SELECT {empty} WHERE false"
    return f"SELECT {names} FROM read_parquet([{_list(folder, files)}])"


def _list(folder: Folder, files: Sequence[LakeFile]) -> str:
    return ", ".join(_quoted(folder.place(file)) for file in files)


def _quoted(path: str | Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def from_csv(connection: duckdb.DuckDBPyConnection, table: LakeTable, csv: Path, target: Path) -> None:
    """One file of typed columns from lines of CSV; nothing in it may be missing."""
    columns = ", ".join(f"'{name}': '{_TYPES[kind]}'" for name, kind in table.columns)
    connection.execute(
        f"COPY (SELECT * FROM read_csv({_quoted(csv)}, auto_detect=false, header=false, delim=',', quote='\"', escape='\"',"
        f" allow_quoted_nulls=false, columns={{{columns}}}, max_line_size=1048576, parallel=false)) TO {_quoted(target)} {_PARQUET}"
    )


def without(
    connection: duckdb.DuckDBPyConnection,
    folder: Folder,
    table: LakeTable,
    file: LakeFile,
    where: str,
    target: Path,
) -> int:
    """A file again without the rows of a condition; how many are left."""
    source = f"read_parquet([{_quoted(folder.place(file))}])"
    connection.execute(f"COPY (SELECT * FROM {source} t WHERE NOT ({where})) TO {_quoted(target)} {_PARQUET}")
    return count(connection, target)


def rewritten(
    connection: duckdb.DuckDBPyConnection,
    folder: Folder,
    files: Sequence[LakeFile],
    columns: str,
    target: Path,
) -> int:
    """Some files as one, with other columns; how many rows."""
    connection.execute(
        f"COPY (SELECT {columns} FROM read_parquet([{_list(folder, files)}])) TO {_quoted(target)} {_PARQUET}"
    )
    return count(connection, target)


def count(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    return int(scalar(connection, f"SELECT count(*) FROM read_parquet([{_quoted(path)}])"))


def touched(
    connection: duckdb.DuckDBPyConnection, folder: Folder, files: Sequence[LakeFile], where: str
) -> dict[str, int]:
    """Path of a file to how many of its rows fit a condition, where there are some."""
    if not files:
        return {}
    found = connection.execute(
        f"SELECT filename, count(*) FROM read_parquet([{_list(folder, files)}], filename=true) t WHERE {where} GROUP BY 1"
    ).fetchall()
    return {str(name): int(number) for name, number in found}


def small(files: Sequence[LakeFile]) -> list[LakeFile]:
    """Files that are worth merging: many, and far from full."""
    found = [file for file in files if file.rows < CHUNK_ROWS // 4]
    return found if len(found) > SMALL_FILES_MAX else []


def days(connection: duckdb.DuckDBPyConnection, table: LakeTable) -> Days:
    """As `source.days`, of the lake."""
    day = f"{table.day}::VARCHAR" if table.day else "''"
    total = f"sum({table.total})" if table.total else "0"
    found = connection.execute(f'SELECT {day}, count(*), {total} FROM "{table.name}" GROUP BY 1').fetchall()
    return {row[0]: (int(row[1]), int(row[2] or 0)) for row in found}


def doubles(connection: duckdb.DuckDBPyConnection, table: LakeTable) -> int:
    """How many keys stand twice, or not at all: nothing of either may be."""
    key = ", ".join(table.key)
    missing = " OR ".join(f"{name} IS NULL" for name, _ in table.columns)
    return int(
        scalar(
            connection,
            f'SELECT (SELECT count(*) FROM (SELECT {key} FROM "{table.name}" GROUP BY ALL HAVING count(*) > 1))'
            f' + (SELECT count(*) FROM "{table.name}" WHERE {missing})',
        )
    )


def scalar(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None
