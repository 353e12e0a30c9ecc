"""A model as a bundle: a folder or .zip of data, every byte of it accounted for. No code in it.

bundle.py         the bundle: read, verified, in memory
zip.py            the same files in one archive
manifest.py       what the model says of itself, checked against manifest.schema.json (json_schema.py)
signature.py      who made it
outside_data.py   whether a graph needs bytes that no digest covers
tensors.py        what its network must take and give
default/          the model that scanside ships
"""
