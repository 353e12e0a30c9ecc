"""What `edge demo` needs: an agent of its own and synthetic scans."""
