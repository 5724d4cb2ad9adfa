"""What `operations.py` is made of: an accelerated clock, the stack, who operates it, and what happens to it."""
