"""What is kept on the disk: the spool (the truth), the index of results, and what is put aside."""
