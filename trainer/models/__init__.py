"""The networks of the thesis. Each is a module that maps a scan to `NetworkOutput`."""
