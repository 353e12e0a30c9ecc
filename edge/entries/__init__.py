"""What people enter about a study: the journal that keeps it, and what it does to rows and figures."""
