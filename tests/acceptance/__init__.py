"""Whole campaigns in processes of their own: killed in the middle, resumed, compared."""
