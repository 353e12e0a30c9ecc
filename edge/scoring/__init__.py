"""From a queued instance to its row: the queue, the worker process, and what runs in it."""
