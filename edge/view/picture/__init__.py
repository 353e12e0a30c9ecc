"""A frame's picture, in pixels or characters, in a terminal or an SVG."""
