"""How sure a figure is, and whether arms differ (docs/statistics.md).

choose_at_sensitivity(malignant, risk, .9)  a threshold, on validation slides
ArmResult(malignant, patient, risk, ...)    what every seed of an arm gives on the test slides
  make_figure(arm, "auc")                     one of its figures, as a function of how often a patient counts
    estimate(figure)                            its mean over seeds and interval by patients
    estimate_spread(figure)                     the same, and the spread over seeds
  decide(arm)                                 decisions at its thresholds, confusion matrices
  compute_reliability(malignant, risk, patient)  calibration of one seed
compare(contrasts, arms by name)            differences, p-values, Holm's correction
measure_power(simulation, test, repeats)    how often a test finds a difference
"""
