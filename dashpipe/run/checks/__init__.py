"""The checks of a run: measured in one scan of staging a grain, judged by partition, told to an analyst."""
