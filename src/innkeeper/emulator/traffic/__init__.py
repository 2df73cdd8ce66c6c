"""What went over the wire? Every exchange, both ways, with its secrets masked."""
