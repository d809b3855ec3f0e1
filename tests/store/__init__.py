"""Files on disk: real ones, with faults injected."""
