"""An ultrasound instance of a patient -> one of nobody's (PS3.15 Annex E).

key.py makes pseudonyms, attributes.py says what may stay, header.py and pixels.py clean, instance.py writes.
"""
