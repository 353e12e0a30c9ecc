"""The live view: what the agent says (feed, state) and how it looks in a terminal (screen and its parts)."""
