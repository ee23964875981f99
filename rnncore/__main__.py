"""``python -m rnncore``."""

from rnncore.cli import main

main()
