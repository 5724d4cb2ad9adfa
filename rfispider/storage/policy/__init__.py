"""What decides in the archive: what is the same article, what changed, what belongs together. Pure."""
