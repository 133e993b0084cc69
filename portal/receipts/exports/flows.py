"""The jobs: write a file under the merchant's own row-level security, and delete it when its time is over."""

import io
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO

from portal.plumbing.clock import now
from portal.plumbing.db import Database
from portal.plumbing.storage import DocumentStore, documents
from portal.plumbing.work import Tools
from portal.receipts.exports import operations, queries, sheets
from portal.receipts.exports.operations import BUILD, EXPIRE
from portal.receipts.exports.pieces import csv_pieces
from portal.receipts.exports.queries import COLUMNS, ExportRow
from portal.receipts.exports.rules import Form, Period, Subject

__all__ = ["BUILD", "EXPIRE", "build", "expire"]

# Each part is sealed by itself, so neither writing nor sending a file needs more memory than this a few times over.
PART_BYTES = 4 * 1024 * 1024
_TELL_SECONDS = 0.5


class Overtaken(Exception):
    """Another run of the same export is at work: this one ends without a trace."""


class Progress:
    """Tells the database how far one run is, at most twice a second."""

    def __init__(self, tools: Tools, asked: ExportRow, run: int, total: int) -> None:
        self._tools, self._asked, self._run, self._total = tools, asked, run, total
        self._done = 0
        self._told_at = 0.0

    def follow(self, handfuls: Iterable[list[Any]]) -> Iterator[list[Any]]:
        """Hand on what comes, counting it. Raises Overtaken."""
        self._tell()
        for handful in handfuls:
            yield handful
            self._done += len(handful)
            if time.monotonic() - self._told_at >= _TELL_SECONDS:
                self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        place = {"merchant_id": self._asked.merchant_id, "export_id": self._asked.export_id, "run": self._run}
        with self._tools.database.transaction(merchant=self._asked.merchant_id) as session:
            if not operations.note_progress(session, **place, done=self._done, total=self._total):
                raise Overtaken


def build(tools: Tools, *, merchant_id: int, export_id: int, words: sheets.Words) -> None:
    """Write the file. Begun again from nothing when it breaks off; two at once leave one file."""
    with tools.database.transaction(merchant=merchant_id) as session:
        run = operations.begin(session, merchant_id=merchant_id, export_id=export_id)
        asked = queries.export(session, merchant_id, export_id)
    if run is None or asked is None:
        return
    try:
        with tempfile.TemporaryFile() as file:
            _write(tools, asked, run, words, file)
            _keep(tools, asked, run, file)
    except Overtaken:
        return
    except Exception:
        with tools.database.transaction(merchant=merchant_id) as session:
            operations.fail(session, merchant_id=merchant_id, export_id=export_id, run=run)
        raise


def expire(tools: Tools, *, merchant_id: int, export_id: int, at: datetime | None = None) -> None:
    """Delete a file whose time is over."""
    with tools.database.transaction(merchant=merchant_id) as session:
        parts = operations.expire(session, merchant_id=merchant_id, export_id=export_id, now=at or now())
    _forget(documents(tools.settings, tools.keyring), parts)


def _write(tools: Tools, asked: ExportRow, run: int, words: sheets.Words, file: BinaryIO) -> None:
    """As `portal_app`, which sees this one merchant whatever the query says."""
    subject, chosen = Subject(asked.subject), Period(asked.first_day, asked.last_day)
    reader = Database(tools.settings.database_url, pool_size=1)
    try:
        with reader.transaction() as session:
            queries.settle_down(session)
            reader.enter(session, asked.merchant_id)
            total = queries.count(session, asked.merchant_id, subject, chosen)
            progress, columns = Progress(tools, asked, run, total), COLUMNS[subject]
            if asked.form == Form.CSV:
                pieces = csv_pieces(session, asked.merchant_id, subject, chosen, columns=columns, words=words)
                lines = chain.from_iterable(progress.follow(pieces))
                sheets.write_csv(file, columns=columns, words=words, lines=lines)
            else:
                handfuls = queries.lines(session, asked.merchant_id, subject, chosen)
                lines = chain.from_iterable(progress.follow(handfuls))
                sheets.write_xlsx(file, columns=columns, words=words, lines=lines, total=total)
    finally:
        reader.close()


def _keep(tools: Tools, asked: ExportRow, run: int, file: BinaryIO) -> None:
    """Put the file into the store in sealed parts; what an overtaken or broken run has put there goes again."""
    store = documents(tools.settings, tools.keyring)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    parts: list[str] = []
    kept = False
    try:
        while content := file.read(PART_BYTES):
            parts.append(store.put(content, owner=str(asked.merchant_id)))
        with tools.database.transaction(merchant=asked.merchant_id) as session:
            kept = operations.finish(
                session, merchant_id=asked.merchant_id, export_id=asked.export_id, run=run,
                parts=parts, size=size, now=now(),
            )  # fmt: skip
    finally:
        if not kept:
            _forget(store, parts)


def _forget(store: DocumentStore, parts: list[str]) -> None:
    for name in parts:
        store.delete(name)
