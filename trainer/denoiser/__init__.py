"""The denoiser: burned-in annotations found and removed."""
