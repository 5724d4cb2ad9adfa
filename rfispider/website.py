"""Everything that is true only of www.rfi.fr, as data: editions, sources, URL patterns, selectors, what to cut.

A correction of a fact about the site is an edit of this file alone. Facts that were not seen in a capture of
the site are marked `told`; the code tolerates their absence.
"""

HOST = "www.rfi.fr"

# ---- Editions and URL grammar ----------------------------------------------------------------------------

# ---- Feeds, sitemaps, archived entries -------------------------------------------------------------------

# ---- Markup of pages -------------------------------------------------------------------------------------
