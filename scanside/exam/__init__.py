"""Whether the header of an instance belongs to an exam of an ovary, asked before the network is."""
