"""The version of all documents. Imports nothing: `benchrun status` must answer at once."""

SCHEMA_VERSION = 1
