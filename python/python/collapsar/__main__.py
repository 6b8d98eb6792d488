"""The command line: ``python -m collapsar --help``."""

import sys

from collapsar._collapsar import main as _main


def main() -> None:
    """Runs the command with the arguments of this process, and ends it."""
    sys.exit(_main(["collapsar", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
