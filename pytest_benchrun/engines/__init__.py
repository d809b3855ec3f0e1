"""How units are run: bare and under xdist."""
