"""Letting models write."""
