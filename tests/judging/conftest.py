"""Lends a tiny project to run pytest in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judging.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one system and nothing to judge yet."""
    return Project(tmp_path)
