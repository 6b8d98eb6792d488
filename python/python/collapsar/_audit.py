"""What columns took before and what they take now, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Audit", "Row"]


class Row(NamedTuple):
    """A branch."""

    branch: str
    type: str
    policy: str
    #: As plain numbers, four bytes for the length of each list.
    n_bytes_before: int
    #: In the ROOT or Parquet file that it came from.
    n_bytes_stored: int | None
    #: Here. What two branches share is counted for the first.
    n_bytes_after: int

    @property
    def ratio(self) -> float | None:
        """Of the bytes before to those after."""
        return self.n_bytes_before / self.n_bytes_after if self.n_bytes_after else None


class Audit:
    """Rows, those that take most first; then what is left out. `str` gives the table."""

    def __init__(self, rows: list[Row], n_bytes_file: int) -> None:
        def order(row: Row) -> tuple[bool, int, int, str]:
            return row.policy == "exclude", -row.n_bytes_after, -row.n_bytes_before, row.branch

        self.rows = sorted(rows, key=order)
        #: Of the whole file.
        self.n_bytes_file = n_bytes_file

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def total(self) -> Row:
        """Of the branches that are there."""
        kept = [row for row in self.rows if row.policy != "exclude"]
        stored = [row.n_bytes_stored for row in kept]
        known = None if not stored or None in stored else sum(n for n in stored if n is not None)
        before, after = (sum(getattr(row, name) for row in kept) for name in ("n_bytes_before", "n_bytes_after"))
        return Row("total", "", "", before, known, after)

    @property
    def n_bytes_around(self) -> int:
        """Names, types and the directory of the file."""
        return self.n_bytes_file - self.total.n_bytes_after

    @property
    def excluded(self) -> Row:
        """Of the branches that are left out."""
        left = [row for row in self.rows if row.policy == "exclude"]
        stored = sum(row.n_bytes_stored or 0 for row in left)
        return Row("left out", "", "", sum(row.n_bytes_before for row in left), stored or None, 0)

    def __str__(self) -> str:
        whole = self.total._replace(branch="file", n_bytes_after=self.n_bytes_file)
        last = [self.total, Row("names and directory", "", "", 0, None, self.n_bytes_around), whole]
        if any(row.policy == "exclude" for row in self.rows):
            last.append(self.excluded)
        head = ("branch", "type", "policy", "before", "stored", "after", "ratio")
        lines = [head, *(_cells(row) for row in [*self.rows, *last])]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        texts = ["  ".join(_placed(i, cell, widths[i]) for i, cell in enumerate(line)).rstrip() for line in lines]
        rule = "-" * max(map(len, texts))
        return "\n".join([texts[0], rule, *texts[1 : 1 + len(self.rows)], rule, *texts[1 + len(self.rows) :]])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = f"{row.ratio:.2f}" if row.ratio and row.n_bytes_before else "-"
    stored = "-" if row.n_bytes_stored is None else str(row.n_bytes_stored)
    before = str(row.n_bytes_before) if row.n_bytes_before else "-"
    return row.branch, row.type, row.policy, before, stored, str(row.n_bytes_after), ratio


def _placed(column: int, cell: str, width: int) -> str:
    return cell.ljust(width) if column < 3 else cell.rjust(width)
