"""What is said between Zoom and an app. Pure values, both directions, no I/O.

These modules never know who is asking: the framework and the emulator read and
write the same words, and bytes that neither computed keep both honest.
"""
