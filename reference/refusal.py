"""How the reference stack refuses: what is wrong, what to do about it, and a name for it that stays."""

from __future__ import annotations

from collections.abc import Sequence


class CannotRun(Exception):
    """The stack cannot be had; the command ends with 4 after the cause, what was seen of it, and the remedy."""

    def __init__(self, error_id: str, cause: str, remedy: str, seen: Sequence[str] = ()) -> None:
        super().__init__(error_id, cause, remedy, seen)
        self.error_id, self.cause, self.remedy, self.seen = error_id, " ".join(cause.split()), remedy, seen

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.error_id} {self.cause}", *(f"  {line}" for line in self.seen), f"remedy: {self.remedy}"]
        )
