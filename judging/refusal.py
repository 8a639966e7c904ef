"""Refusal: the run cannot or must not go on, said in one line of cause and one of remedy."""

from __future__ import annotations


class Refusal(Exception):
    """Ends the run with `exit_code`: 4 unusable input or machine, 6 unsafe target, 7 stack left changed."""

    def __init__(self, error_id: str, cause: str, remedy: str, exit_code: int = 4) -> None:
        super().__init__(error_id, cause, remedy, exit_code)
        self.error_id = error_id
        self.cause = " ".join(cause.split())
        self.remedy = " ".join(remedy.split())
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.error_id} {self.cause}\nremedy: {self.remedy}"
