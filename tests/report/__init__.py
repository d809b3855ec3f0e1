"""Texts for people, compared to the letter."""
