"""How sure a figure is, and whether arms differ (docs/statistics.md).

at_sensitivity(malignant, risk, .9)       on validation slides: a threshold
ArmResult(malignant, patient, risk, ...)  what every seed of an arm gave on the test slides
  figure_of(arm, "auc")                     a figure of it, as a function of how often a patient counts
    estimate(figure)                          its mean over seeds and interval by patients
    spread(figure)                            the same, and the spread over seeds
  decide(arm)                               decisions at its thresholds, confusion matrices
  reliability(malignant, risk, patient)     calibration of one seed
compare(contrasts, arms by name)          differences, p-values, Holm's correction
share_found(simulation, test, repeats)    whether a test keeps its word
"""
