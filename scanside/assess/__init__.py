"""From a prepared scan to what is said of it, and whether it may be said at all.

assessor.py   the path that every risk takes
cases.py      the network's answer under each value of the clinical facts
gate.py       whether a scan is like the training data
denoise.py    annotations taken out before the network sees a scan
golden.py     proof that a runtime computes the network; choose.py: which runtime does
study.py      the assessments of one study together
explain.py    each step of the preparation as a picture
"""
