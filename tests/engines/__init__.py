"""Engines: the same tests bare and under every engine."""
