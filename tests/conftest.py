"""How the laws are searched: as long as the machine needs; a slow one must not fail a test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("benchrun", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("benchrun")
