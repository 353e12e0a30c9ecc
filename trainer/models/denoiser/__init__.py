"""The networks that remove burned-in annotations: the thesis's three, and the light one of the edge."""
