"""The commands of `edge`, one module each: `add_arguments(parser)` and `main(args) -> int`."""
