"""How the agent is: its health and its measures."""
