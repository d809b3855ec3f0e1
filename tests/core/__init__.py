"""The pure floor: plain calls, tables and laws; no pytester, no files."""
