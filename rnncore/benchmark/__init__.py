"""Measurements of speed, as ratios within one interleaved run: ``python -m rnncore.benchmark``."""
