"""pytest hooks around a unit and around a run."""
