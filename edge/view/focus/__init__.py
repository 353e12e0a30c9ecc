"""What a person looks at and types: a state machine without a terminal."""
