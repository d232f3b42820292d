"""One module a kind of item; `xstilts.miniature.generate` finds them and says what they offer."""
