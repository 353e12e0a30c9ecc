"""The view's few colours: told apart by the colour-blind, readable on black, never the only sign."""

SCREEN = "rgb(220,222,225) on rgb(8,10,12)"
BANNER = "bold rgb(235,190,90) on rgb(8,10,12) reverse"
ABOVE = "rgb(255,150,60)"
BELOW = "rgb(90,170,245)"
MIXED = "rgb(235,190,90)"
QUIET = "rgb(140,146,152)"
NOTICE = "bold rgb(235,190,90)"
OUTLINE = (255, 215, 0)
REMOVED = (165, 140, 215)
