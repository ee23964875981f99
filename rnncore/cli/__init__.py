"""The command line: ``python -m rnncore train lr=0.01 cell=gru``.

Runs go into the run store, so that an open dashboard shows them live. Exit codes: 0 done; 1 the run failed or
diverged; 2 something was refused, in a sentence; 130 stopped before its end, with everything up to then kept.

A new subcommand is a file of its own here, and one line below.
"""

from __future__ import annotations

from rnncore.cli.base import Commands

COMMANDS = (
    "train",
    "compare",
    "runs",
    "export",
    "settings",
)
"""Each is a file here with a command of that name, loaded when it is called for."""

EXAMPLES = """
\b
Examples:
  python -m rnncore train cell=gru hidden_size=256
  python -m rnncore compare delayed-recall
  python -m rnncore runs --state finished
  python -m rnncore runs resume k3m9xw
  python -m rnncore export k3m9xw --format html
"""

cli = Commands(
    COMMANDS,
    help="Train recurrent networks and see inside them.",
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    cli(prog_name="python -m rnncore")
