"""Text files with delimited columns, as people and spreadsheets write them."""

from __future__ import annotations

import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.vocabulary import StrPath


def open_delimited(path: StrPath) -> tuple[io.StringIO, str]:
    """Return the text of a CSV file, and its delimiter: a comma, a semicolon or a tab.

    The text has neither a byte order mark nor carriage returns. Raises `UserError` if the file is
    not UTF-8 or UTF-16.
    """
    content = Path(path).read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = io.StringIO(content.decode(encoding), newline=None)
    except UnicodeDecodeError as error:
        line = len((content[: error.start] + b"?").splitlines())
        raise UserError(
            f"{path}, line {line}: the file is not UTF-8 text ({error.reason}). Save it as UTF-8."
        ) from None
    header = next((row for row in text if row.strip(",;\t \n")), "")
    text.seek(0)
    return text, max(",;\t", key=header.count)
