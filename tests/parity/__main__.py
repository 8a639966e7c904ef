"""Compares what runs on several stacks of one variant have stated: `python -m tests.parity FOLDER FOLDER …`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tests.parity import Row, compare, incomplete


def main() -> None:
    """Print the table; exit 1 where the stacks are not judged alike, 4 where a folder holds no statement."""
    folders = [Path(each) for each in sys.argv[1:]]
    files = [folder / "statement.json" for folder in folders]
    missing = [str(file) for file in files if not file.is_file()]
    if len(folders) < 2 or missing:
        print(f"E-PARITY {'no ' + ', '.join(missing) if missing else 'fewer than two report folders'}", file=sys.stderr)
        print("remedy: name the report folders of two runs: python -m tests.parity FOLDER FOLDER", file=sys.stderr)
        sys.exit(4)
    statements = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    rows = compare(*statements)
    problems = [
        f"{folder}: {why}" for folder, each in zip(folders, statements, strict=True) if (why := incomplete(each))
    ]
    print_table(rows, [str(each["stack"]["title"]) for each in statements])
    problems += [f"{row.claim}: {row.problem}" for row in rows if row.problem]
    for problem in problems:
        print(f"! {problem}")
    sys.exit(1 if problems else 0)


def print_table(rows: list[Row], titles: list[str]) -> None:
    """The verdicts side by side, and how many there are of each."""
    for number, title in enumerate(titles, 1):
        print(f"[{number}] {title}")
    print(f"{'claim':10}" + "".join(f"[{number}]{'':11}" for number in range(1, len(titles) + 1)))
    for row in rows:
        print(f"{row.claim:10}" + "".join(f"{verdict:14}" for verdict in row.verdicts) + row.problem)
    alike = Counter(row.verdicts[0] for row in rows if not row.problem)
    print(f"alike: {', '.join(f'{number} {verdict}' for verdict, number in alike.most_common()) or 'nothing'}")


if __name__ == "__main__":
    main()
