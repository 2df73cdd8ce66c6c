"""What if Zoom stood on this machine? OAuth, Marketplace, Team Chat and webhooks, emulated.

It shares `wire` with the framework, and nothing of what it is there to test.
"""

from innkeeper.emulator.web import Emulator

__all__ = ["Emulator"]
