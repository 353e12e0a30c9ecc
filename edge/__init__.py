"""The agent beside the scanner: receive, spool, assess, show. The command is `edge`."""
