"""Questions to the archive. Every query uses an index."""
