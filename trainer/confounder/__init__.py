"""An experiment of its own: annotations that correlate with the class, and what a denoiser changes."""
