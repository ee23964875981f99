"""Measurements of speed, as ratios within one interleaved run."""
