"""How articles, aliases and story links are written."""
