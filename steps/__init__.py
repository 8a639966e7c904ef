"""Words: each module parses the sentences about one kind of noun and makes one call."""
