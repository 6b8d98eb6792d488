"""The command line: ``python -m collapsar --help``, and ``python -m collapsar columns --help`` for ROOT and Parquet files."""

import sys

from collapsar._collapsar import main as _main


def main() -> None:
    """Runs the command with the arguments of this process, and ends it."""
    if sys.argv[1:2] == ["columns"]:
        from collapsar.columns import main as _columns

        sys.exit(_columns(sys.argv[2:]))
    sys.exit(_main(["collapsar", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
