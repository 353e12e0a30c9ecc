"""For all tests."""

import signal

# What runs in the background ignores Ctrl-C, and so do its children: tests of it would test nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)
