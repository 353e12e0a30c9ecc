"""For all tests."""

import signal

# Started in the background, a shell lets Ctrl-C be ignored, and so do all children: tests of it would test nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)
