"""Every setting of a training: typed, bounded fields, and the configuration that holds them."""
