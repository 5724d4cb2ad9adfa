"""Work beside the event loop: other processes, batches, prefetching; and what is changed of the process as a whole.

`page_pool` applies functions to pages in other processes; it stands on `process_pool` (any function), `worker_process`
(one process and its pipe) and `shared_memory` (the bodies). `child_process` runs a command to its end, with `run_guard`
between that ends it in time. `batching` saves many items with one call, `prefetch` fetches the next item early, and
`process_globals` holds every change of garbage collection, threads, logging and foreign modules.
"""
