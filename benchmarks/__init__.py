"""Benchmarks: one folder a question, one result file each."""
