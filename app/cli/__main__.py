"""Makes `python -m app.cli` the same as `khma`."""

import sys

from app.cli.main import main

sys.exit(main())
