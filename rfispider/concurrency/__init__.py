"""Work in other processes and ahead of time: process pools, shared memory, batches, child processes."""
