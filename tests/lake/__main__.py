"""`make exports`: see `tests.lake.kills`. A file of its own, for a killed process must not import what started it."""

import sys

from tests.lake.kills import main

if __name__ == "__main__":
    sys.exit(main())
