"""How fast and how compactly serialization formats carry typical payloads."""
