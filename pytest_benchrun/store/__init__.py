"""Files on disk: the run directory, the journal, atomic writes and the lock."""
