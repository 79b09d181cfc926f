"""What reading a damaged zip archive raises."""

from __future__ import annotations

import lzma
import zipfile
import zlib

ARCHIVE_DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError)
"""Of the archive itself and of the ways of packing; a bzip2's is an OSError, that of a way that nobody knows
(``NotImplementedError``) a RuntimeError."""
