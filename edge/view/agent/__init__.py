"""What the agent says, as values; and entries on their way to it."""
