"""Results that people look at: tables in the terminal, and one page with tables, curves and pictures."""
