"""What a person sees while a command works: bars with the time left."""
