"""``settings``: what can be set, and to what."""

from __future__ import annotations

import json

import click

from rnncore.config import LEAVES, TASKS, RunConfig, bounds, field_of, unit_of

EXAMPLES = """
\b
Examples:
  python -m rnncore settings
  python -m rnncore settings | grep -A1 gate
  python -m rnncore settings --json | jq .name
"""


@click.command(epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="One JSON line per setting, for scripts.")
def settings(as_json: bool) -> None:
    """List every setting with its meaning."""
    defaults = [RunConfig.of(task=kind) for kind in TASKS]
    for leaf in LEAVES:
        default = next(config for config in defaults if leaf in config.leaves)[leaf]
        (low, high), unit, about = bounds(leaf), unit_of(leaf), field_of(leaf).description
        if as_json:
            said = {"name": leaf, "default": default, "unit": unit, "least": low, "most": high, "about": about}
            click.echo(json.dumps(said))
            continue
        span = "" if low is None or high is None else f" from {low:,.10g} to {high:,.10g}"
        click.echo(f"{leaf} = {'off' if default is None else default}{f' {unit}' if unit else ''}{span}\n    {about}")
