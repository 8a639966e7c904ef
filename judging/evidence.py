"""Evidence: what an observation left behind, redacted, named by its hash, stored once."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from judging.redaction import Redaction

ENDINGS = {
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "application/xml": "xml",
    "application/yaml": "yaml",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "video/webm": "webm",
}
PICTURES = {"image/jpeg", "image/png", "video/webm"}


@dataclass(frozen=True)
class Evidence:
    """One stored piece of evidence; `file` is relative to the folder that holds the evidence folder."""

    name: str
    file: str
    sha256: str
    media: str


class EvidenceStore:
    """Keeps evidence under `<sha256[:16]>.<ending>`; the same bytes are stored once."""

    def __init__(self, folder: Path, redaction: Redaction) -> None:
        self._folder = folder
        self._redaction = redaction

    def keep(self, name: str, body: bytes | str, media: str) -> Evidence:
        """Redact a text (a picture is kept as it is: mask its fields when taking it), store it, say where.

        Raises ValueError for a media type that can be neither redacted nor looked at, such as an archive.
        """
        media = media.partition(";")[0].strip().lower()
        if media not in ENDINGS:
            raise ValueError(f"evidence {name!r}: {media} cannot be redacted; known: {', '.join(ENDINGS)}")
        if media not in PICTURES:
            text = body if isinstance(body, str) else body.decode(errors="surrogateescape")
            body = self._redacted(text, media)
        stored = body if isinstance(body, bytes) else body.encode(errors="surrogateescape")
        sha256 = hashlib.sha256(stored).hexdigest()
        path = self._folder / f"{sha256[:16]}.{ENDINGS[media]}"
        if not path.exists():
            self._write(path, stored)
        return Evidence(self._redaction.text(name), f"{self._folder.name}/{path.name}", sha256, media)

    def _redacted(self, body: str, media: str) -> str:
        if media == "application/json":
            try:
                data = json.loads(body)
            except ValueError:
                return self._redaction.text(body)
            clean = self._redaction.data(data)
            body = body if clean == data else json.dumps(clean, indent=2, ensure_ascii=False)
        return self._redaction.text(body)

    def _write(self, path: Path, body: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")  # two workers may store the same bytes at once
        part.write_bytes(body)
        part.replace(path)
