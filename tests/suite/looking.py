"""What `--check` finds of a stack, without a run of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fixtures.checking.probes import rows_of
from fixtures.checking.table import fit
from fixtures.stack.profile_file import load_profile
from judging.claims import Claim, load_claims
from tests.suite.runs import ROOT

EMBEDDED = load_profile(ROOT / "stacks" / "embedded.toml")
SHOP = {"sock_shop": load_claims(ROOT / "features" / "sock_shop" / "claims.toml")}


def looked(stack: Path, claims: Mapping[str, Mapping[str, Claim]] = SHOP) -> tuple[bool, dict[str, tuple[str, str]]]:
    """Whether the stack is fit to be judged, and each row."""
    mine = load_profile(stack)
    rows = list(rows_of(mine, Path(mine.kubeconfig), claims))
    shown = {row.what: (str(row.state), " → ".join(filter(None, (row.told, row.remedy)))) for row in rows}
    return fit(rows), shown
