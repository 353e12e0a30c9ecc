"""The network of the bundle that scanside ships: its training, its folds and its figures."""
