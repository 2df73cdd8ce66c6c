"""How is an app set up, added and removed? The Marketplace and its Local Test page."""
