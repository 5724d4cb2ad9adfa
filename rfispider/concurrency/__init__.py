"""Work beside the event loop: other processes, batches, prefetching; and what is changed of the process as a whole.

`process_pool` applies functions to pages in processes of their own, `shared_memory` hands them the bodies, `batching`
saves many items with one call, `prefetch` fetches the next item early, `child_process` runs a command to its end, and
`process_globals` holds every change of garbage collection, threads, logging and foreign modules.
"""
