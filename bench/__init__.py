"""Benchmarks: what Zhengling does, beside the least that could do it, in the same minute on the same machine."""
