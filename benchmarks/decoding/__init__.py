"""Decoding: rows per second, forward passes, time to first row."""
