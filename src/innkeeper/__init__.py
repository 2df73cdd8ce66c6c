"""Authorize, run and test Zoom Team Chat chatbots."""
