"""What changes in the archive, for those who follow it."""
