"""The parts of the load step: what changes, the guarded write, and the removal of vanished keys."""
