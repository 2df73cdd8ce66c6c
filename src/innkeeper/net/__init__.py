"""How do bytes cross the wire? HTTP both ways, with limits; nothing here decides."""
