"""What is kept, and where: the only code that touches the disk."""
