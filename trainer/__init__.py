"""Reproduces the thesis on desktop GPUs. The command is `trainer`."""
