"""What examiners and machines burn into a scan, drawn onto clean ones (thesis 3.1.1), with its true mask."""
