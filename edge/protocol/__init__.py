"""What crosses a border of the edge (process, socket, index, JSON): each type is defined here once."""
