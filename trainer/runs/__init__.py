"""The arms that experiments consist of: what an arm is, how it is trained, what lies on disk of it."""
