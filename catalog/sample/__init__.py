"""The sample catalogue: 40,000 believable goods of a shop that does not exist, made anew from a seed."""

from catalog.sample.book import write_sample

__all__ = ["write_sample"]
