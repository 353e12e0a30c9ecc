"""The experiments: the list of tables, the list of studies, and the loop that runs them."""
