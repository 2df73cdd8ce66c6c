"""How fast is it? Measured against a bare server, in one interleaved run: `make bench`."""
