"""How do we call Zoom? One HTTP call per function, the token passed in, no state."""
