"""Uploaded texts, kept compressed in the run store so that a worker on any machine can read them."""

from __future__ import annotations

import hashlib
import time
import zlib
from dataclasses import dataclass

from sqlalchemy import insert, select

from rnncore.errors import StoreError
from rnncore.runs.database import Database
from rnncore.runs.schema import corpora

PREFIX = "upload:"


@dataclass(frozen=True)
class Upload:
    """An uploaded text: its key for ``config.task.corpus``, its file name, owner, Unix time and length."""

    key: str
    name: str
    owner: str
    created: float
    characters: int


class CorpusStore(Database):
    """Part of the run store: uploaded texts."""

    def put_corpus(self, name: str, text: str, owner: str = "") -> str:
        """Keep a text; the same text again gives the same key, ``upload:<first 12 digits of its SHA-256>``."""
        raw = text.encode()
        digest = hashlib.sha256(raw).hexdigest()
        key = PREFIX + digest[:12]
        with self.reading() as connection:
            known = connection.execute(select(corpora.c.sha256).where(corpora.c.key == key)).scalar()
        if known is not None:
            return key
        data = zlib.compress(raw, 6)
        with self.transaction() as connection:
            if connection.execute(select(corpora.c.key).where(corpora.c.key == key)).scalar() is None:
                connection.execute(
                    insert(corpora).values(
                        key=key,
                        name=name.replace("\0", "")[:200],
                        owner=owner,
                        created=time.time(),
                        characters=len(text),
                        sha256=digest,
                        data=data,
                    )
                )
        return key

    def corpus(self, key: str) -> tuple[str, str]:
        """An uploaded text by its key: (name, text).

        Raises:
            StoreError: there is none, or it was changed since.
        """
        with self.reading() as connection:
            row = connection.execute(select(corpora).where(corpora.c.key == key)).first()
        if row is None:
            raise StoreError(f"corpus {key!r} is not in the run store; upload the text again, or choose another corpus")
        try:
            raw = zlib.decompress(row.data)
        except zlib.error:
            raw = b""
        if hashlib.sha256(raw).hexdigest() != row.sha256:
            raise StoreError(f"corpus {key!r} does not match its SHA-256; upload the text again")
        return row.name, raw.decode()

    def corpora(self) -> list[Upload]:
        """All uploaded texts, the newest first, without the texts themselves."""
        columns = [corpora.c[name] for name in ("key", "name", "owner", "created", "characters")]
        with self.reading() as connection:
            rows = connection.execute(select(*columns).order_by(corpora.c.created.desc())).all()
        return [Upload(*row) for row in rows]
