"""The pure floor: plain calls, tables and laws; no pytester, no files but the gold ones."""
