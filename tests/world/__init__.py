"""The machine around a run: clocks and processes, real ones."""
