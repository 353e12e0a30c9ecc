"""What `edge demo` needs: an agent of its own, synthetic scans, a recorded exam made of them."""
