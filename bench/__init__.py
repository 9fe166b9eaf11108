"""Benchmarks: Zhengling and a minimal baseline, measured in the same minute on the same machine."""
