"""Evidence is redacted before it is hashed, and kept once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from judging.evidence import EvidenceStore
from judging.redaction import Redaction


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    """An empty store under tmp_path/evidence."""
    return EvidenceStore(tmp_path / "evidence", Redaction())


def test_a_document_is_redacted_before_it_is_hashed(store: EvidenceStore, tmp_path: Path) -> None:
    order = {"total": 22.99, "card": {"longNum": "5544154011345918", "ccv": "958"}}

    kept = store.keep("order document", json.dumps(order), "application/json")

    written = (tmp_path / kept.file).read_bytes()
    assert b"5544154011345918" not in written
    assert b"958" not in written
    assert json.loads(written)["total"] == 22.99
    assert kept.sha256 == hashlib.sha256(written).hexdigest()
    assert kept.file == f"evidence/{kept.sha256[:16]}.json"
    assert list((tmp_path / "evidence").iterdir()) == [tmp_path / kept.file], "no part file is left"


def test_what_holds_no_secret_is_kept_byte_for_byte(store: EvidenceStore, tmp_path: Path) -> None:
    body = b'{"a" : 1,\r\n "b":"\xff"}'

    assert (tmp_path / store.keep("answer", body, "application/json").file).read_bytes() == body


def test_a_picture_is_kept_as_it_is_and_once(store: EvidenceStore, tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

    first, second = store.keep("basket", picture, "image/png"), store.keep("same", picture, "image/png")

    assert first.file == second.file
    assert (tmp_path / first.file).read_bytes() == picture
    assert len(list((tmp_path / "evidence").iterdir())) == 1


def test_what_cannot_be_redacted_is_refused(store: EvidenceStore, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="application/zip cannot be redacted"):
        store.keep("trace", b"PK", "application/zip")
    assert not (tmp_path / "evidence").exists()
