"""The SQLite store, part by part."""
