"""Bytes of a file as rows of cells: CSV, TSV, XLSX and XLS, packed or not, in the encodings tills really write.

Nothing here knows what a column means. A file that cannot be read as a whole is refused before anything is written; a
single row that cannot be read comes out as a BrokenRow between the good ones.
"""

from zhike.intake.files.opening import (
    EmptyFile,
    FileRefused,
    FileTooLarge,
    NoSuchSheet,
    OpenedTable,
    TruncatedFile,
    UnreadableFile,
    WrongEncoding,
    inspect_file,
    open_table,
)
from zhike.intake.files.rows import BrokenRow

__all__ = [
    "BrokenRow",
    "EmptyFile",
    "FileRefused",
    "FileTooLarge",
    "NoSuchSheet",
    "OpenedTable",
    "TruncatedFile",
    "UnreadableFile",
    "WrongEncoding",
    "inspect_file",
    "open_table",
]
