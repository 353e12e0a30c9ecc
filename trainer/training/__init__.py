"""One training of one network: losses, optimiser, hardware, the loop on Lightning."""
