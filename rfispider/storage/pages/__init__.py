"""Raw pages: how they are kept, compressed, and read again."""
