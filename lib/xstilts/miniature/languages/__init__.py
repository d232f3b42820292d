"""One data file and one realiser a language; `xstilts.miniature.language` finds them."""
