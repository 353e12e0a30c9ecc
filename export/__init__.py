"""Checkpoint in, bundle out: ONNX, golden case, manifest. The command is `export-model`."""
