"""How fast dashpipe is, as ratios measured in one run: ``python -m benchmarks [--quick] [NAME …]``."""
