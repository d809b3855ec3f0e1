"""Campaigns that ship with pytest-benchrun and measure real programs and libraries.

The package markers in these directories let every campaign import the modules
beside it as ``benchmarks.<module>``, whatever directory pytest was started in.
"""
