"""Rows as an Excel file whose cells are text and numbers, never formulas."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CELL_MAX = 32_000
_UNFIT = re.compile(r"[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold (XML 1.0, section 2.2): control characters, halves of pairs, U+FFFE and U+FFFF."""


def xlsx_response(name: str, header: Sequence[object], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """`name` is ours and plain ASCII."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (header, *rows):
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, None)
            if isinstance(value, int | float):
                cell.value = value
            else:
                cell.value = _plain(str(value if value is not None else ""))
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    response = HttpResponse(buffer.getvalue(), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def _plain(text: str) -> str:
    """What the file format can hold."""
    return _UNFIT.sub("", text)[:CELL_MAX]
