"""The composition roots, one module a process: they alone know what is real."""
