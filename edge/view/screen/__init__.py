"""How it looks: the whole screen as a function, and its parts."""
