"""Where in a frame the scan lies.

region.py            four rules, the first that speaks
declared, overlay    the machine's own word
devices (.toml)      strips of text by device
"""
