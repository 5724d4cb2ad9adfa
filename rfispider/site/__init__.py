"""What is true only of www.rfi.fr, as data and as pure functions: editions, selectors, hosts, URLs, dates."""
