"""The subcommands of `trainer`, a file each: `add` names the options, what it sets runs them."""
