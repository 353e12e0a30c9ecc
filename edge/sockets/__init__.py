"""The data folder's Unix sockets: what views hear, and what commands may ask."""
