"""How sure a figure is: intervals, tests between arms, calibration, thresholds (docs/statistics.md)."""
