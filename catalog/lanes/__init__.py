"""The ways of finding rows: words, grams, codes and meaning; each reads memory-mapped files of one sealed version."""
