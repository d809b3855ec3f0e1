"""Hostile units: `animals.py` and `fatal.py` are the table, `test_zoo.py` runs it on each engine."""
