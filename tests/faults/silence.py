"""A thousand crashes in a row need no thousand logs: what went wrong is told by who plays them."""

import logging

import structlog


def hush() -> None:
    """Log nothing in this process from now on."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
