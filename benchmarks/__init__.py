"""How fast slx is, side by side with what else there is: `python -m benchmarks`."""
