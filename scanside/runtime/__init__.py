"""A Runner runs named arrays through one network. One file per runtime; protocol.py says what all share."""
