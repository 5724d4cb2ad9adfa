"""A generated RFI on localhost, with ground truth and faults.

Everything is made from a seed: the same seed, editions and number of articles give the same articles, pages,
feeds and truth, byte for byte. The demo, the tests and the benchmarks crawl it. It imports nothing of
`rfispider` and shares no selector, template or pattern with it: what both know, each knows from the facts about
the site, so an agreement of the two is a finding and no tautology. No sentence is copied from anywhere: words
are put together from syllables or characters of the right script.

`python -m replica serve` serves it, `python -m replica truth` writes what a perfect crawl would store, one JSON
object an article, and `python -m replica archive` writes the same articles as archived feed entries.

What the truth records mean where more than one reading is possible:

* `text`: the blocks of the body in order, joined by a blank line. Every paragraph, heading (h2), list item (no
  bullet), quotation and table row is a block of its own; the cells of a row are joined by " | ", and there are no
  rules between rows. A run of white space, a no-break space among them, is one space. Lead, credits, copyright
  line, captions and embeds are not text.
* `section` is None for wire copies, the old `/contenu/` ones too; a video's section is the part before its slug.
* `modified_at` equals `published_at` for an article never modified.
* `images`: the main picture, then every figure of the body in order, `m-em-image` figures too; no placeholder,
  no slideshow, no poster of a video.
* `audio`: the episode's recording, then the players inside the body. `duration_s` only where the page gives it.
* `related`: in the order of the block, with canonical URLs; the programme pages in it end with a slash.
* `title`: with entities decoded however often they were escaped, and without the site suffix of OpenGraph.
* `reached_by` and `hops`: by feeds and list pages; sitemaps and archive pages lead to more, see `in_archive`.
"""
