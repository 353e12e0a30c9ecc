"""One file per experiment: what it trains, on what, and what it reports."""
