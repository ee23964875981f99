"""Measurements of the real page in a real browser: no tests, since they depend on the machine."""
