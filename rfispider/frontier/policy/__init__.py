"""What decides in the frontier: when a URL is due, how fast a host is asked, who gets the next request. Pure."""
