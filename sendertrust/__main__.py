"""``python -m sendertrust``: see `sendertrust.cli`."""

import sys

from sendertrust.cli import main

sys.exit(main())
