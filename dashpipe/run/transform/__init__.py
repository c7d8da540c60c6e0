"""The parts of the transform step: where a grain's rows come from, how they move, what is wrong with them."""
